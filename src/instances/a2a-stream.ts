import type { Artifact, Message, StreamResponse, Task } from "@a2a-js/sdk";
import type { Call } from "../core/ports.ts";
import { hasEnded, remoteIdOf } from "./a2a-answers.ts";
import { charsOf, wordsOf } from "./a2a-parts.ts";

const LONGEST_NOTE = 500;

/** What has come of an answer that is streamed. */
export class TaskStream {
  /** As its events have made it so far. */
  task: Task | undefined;
  readonly #told: Pick<Call, "onHandle" | "onProgress">;

  constructor(told: Pick<Call, "onHandle" | "onProgress">) {
    this.#told = told;
  }

  /** Takes one event in; what the stream has come to, if that is all. */
  take({ payload }: StreamResponse): Task | Message | undefined {
    switch (payload?.$case) {
      case "message":
        // Beside a task it is no answer, but what the agent has to say meanwhile.
        if (!this.task) return payload.value;
        this.#note(payload.value);
        return undefined;
      case "task":
        this.#learn(payload.value);
        break;
      case "statusUpdate": {
        const { taskId, contextId, status } = payload.value;
        this.#learn(this.task ?? blank(taskId, contextId)).status = status;
        this.#note(status?.message);
        break;
      }
      case "artifactUpdate": {
        const { taskId, contextId, artifact, append } = payload.value;
        const { artifacts } = this.#learn(this.task ?? blank(taskId, contextId));
        if (artifact) merge(artifacts, artifact, append);
        this.#told.onProgress?.({ chars: charsOf(artifacts) });
        break;
      }
    }
    return this.task && hasEnded(this.task) ? this.task : undefined;
  }

  #learn(task: Task): Task {
    const isNew = this.task === undefined;
    this.task = task;
    const { id: taskId, contextId } = task;
    if (isNew && taskId !== "")
      this.#told.onHandle?.({
        taskId,
        ...(contextId && { remoteId: remoteIdOf({ contextId, taskId: "" }) }),
      });
    return task;
  }

  #note(message: Message | undefined): void {
    const note = wordsOf(message).slice(0, LONGEST_NOTE);
    if (note !== "" && !(this.task && hasEnded(this.task))) this.#told.onProgress?.({ note });
  }
}

function blank(id: string, contextId: string): Task {
  return { id, contextId, status: undefined, artifacts: [], history: [], metadata: undefined };
}

function merge(artifacts: Artifact[], next: Artifact, append: boolean): void {
  const at = artifacts.findIndex(({ artifactId }) => artifactId === next.artifactId);
  const known = artifacts[at];
  if (!known) artifacts.push(next);
  else if (append) known.parts.push(...next.parts);
  else artifacts[at] = next;
}
