import { randomUUID } from "node:crypto";
import type { Artifact, Part, TaskState } from "@a2a-js/sdk";
import { UnsupportedOperationError } from "@a2a-js/sdk/errors";
import {
  AgentEvent,
  type AgentExecutor,
  type ExecutionEventBus,
  type RequestContext,
} from "@a2a-js/sdk/server";

/** A message as the agent got it. */
export interface Heard {
  messageId: string;
  text: string;
  data: unknown;
  contextId: string;
  taskId: string;
}

const STATE = { working: 2, completed: 3, failed: 4, canceled: 5, input: 6, rejected: 7, auth: 8 } as const;

function text(value: string): Part {
  return { content: { $case: "text", value }, metadata: undefined, filename: "", mediaType: "text/plain" };
}

function data(value: unknown): Part {
  return {
    content: { $case: "data", value },
    metadata: undefined,
    filename: "",
    mediaType: "application/json",
  };
}

function file(bytes: string, filename: string): Part {
  const content = { $case: "raw", value: Buffer.from(bytes) } as const;
  return { content, metadata: undefined, filename, mediaType: "application/octet-stream" };
}

interface ExecutorParts {
  heard: Heard[];
  held: Set<() => void>;
  onHeard: () => void;
}

/** Does what the first word of a message says; what is told to `hold` is held until somebody lets go of it. */
export function executorOf({ heard, held, onHeard }: ExecutorParts): AgentExecutor {
  const stubborn = new Set<string>();
  const cancelled = new Set<string>();
  return {
    async execute(context, bus) {
      const message = hear(context);
      heard.push(message);
      const turn = new Turn(context, bus);
      onHeard();
      const [, word = "", rest = ""] = /^(\S*)\s*([\s\S]*)$/.exec(message.text) ?? [];
      if (word === "message") return turn.answer(rest);
      turn.begin();
      switch (word) {
        case "ask":
          return turn.status(STATE.input, rest);
        case "auth":
          return turn.status(STATE.auth, rest);
        case "fail":
          return turn.status(STATE.failed, rest);
        case "reject":
          return turn.status(STATE.rejected, rest);
        case "hold":
        case "stubborn":
          if (word === "stubborn") stubborn.add(context.taskId);
          turn.status(STATE.working, "thinking");
          await new Promise<void>((resolve) => held.add(resolve));
          if (!cancelled.has(context.taskId)) turn.done([artifact("answer", [text(rest)])]);
          return;
        case "chunks":
          for (const [at, piece] of rest.split(" ").entries())
            turn.artifact(artifact("answer", [text(piece)]), at > 0);
          return turn.status(STATE.completed);
        case "parts":
          return turn.done([
            artifact("report", [text("see"), data({ rows: 2 })]),
            artifact("raw", [file("bytes", "a.bin")]),
          ]);
        case "data":
          return turn.done([artifact("answer", [data(JSON.parse(rest))])]);
        case "huge":
          return turn.done([artifact("answer", [text("x".repeat(Number(rest)))])]);
        case "recall": {
          const said = heard.filter(({ contextId }) => contextId === message.contextId);
          return turn.done([artifact("answer", [text(said.map((each) => each.text).join(", "))])]);
        }
        case "status":
          return turn.status(STATE.completed, rest);
        default:
          return turn.done([
            artifact("answer", message.data === undefined ? [text(message.text)] : [data(message.data)]),
          ]);
      }
    },
    async cancelTask(taskId, bus) {
      if (stubborn.has(taskId)) throw new UnsupportedOperationError("this agent stops for nobody");
      cancelled.add(taskId);
      bus.publish(
        AgentEvent.statusUpdate({
          taskId,
          contextId: "",
          status: statusOf(STATE.canceled),
          metadata: undefined,
        }),
      );
    },
  };
}

function hear({ userMessage, contextId, taskId }: RequestContext): Heard {
  const part = userMessage.parts[0]?.content;
  return {
    messageId: userMessage.messageId,
    text: part?.$case === "text" ? part.value : "",
    data: part?.$case === "data" ? part.value : undefined,
    contextId,
    taskId,
  };
}

function artifact(artifactId: string, parts: Part[]): Artifact {
  return { artifactId, name: artifactId, description: "", parts, metadata: undefined, extensions: [] };
}

function statusOf(state: TaskState) {
  return { state, message: undefined, timestamp: new Date().toISOString() };
}

/** What an executor says in one turn. */
class Turn {
  readonly #ids: { taskId: string; contextId: string };
  readonly #context: RequestContext;
  readonly #bus: ExecutionEventBus;

  constructor(context: RequestContext, bus: ExecutionEventBus) {
    this.#ids = { taskId: context.taskId, contextId: context.contextId };
    this.#context = context;
    this.#bus = bus;
  }

  answer(words: string): void {
    this.#bus.publish(AgentEvent.message({ ...this.#message(words), taskId: "" }));
  }

  begin(): void {
    const { taskId: id, contextId } = this.#ids;
    const { task, userMessage } = this.#context;
    const history = task?.history ?? [userMessage];
    const artifacts = task?.artifacts ?? [];
    this.#bus.publish(
      AgentEvent.task({
        id,
        contextId,
        status: statusOf(STATE.working),
        artifacts,
        history,
        metadata: undefined,
      }),
    );
  }

  status(state: TaskState, words = ""): void {
    const message = words === "" ? undefined : this.#message(words);
    this.#bus.publish(
      AgentEvent.statusUpdate({ ...this.#ids, status: { ...statusOf(state), message }, metadata: undefined }),
    );
  }

  artifact(artifact: Artifact, append = false): void {
    this.#bus.publish(
      AgentEvent.artifactUpdate({ ...this.#ids, artifact, append, lastChunk: false, metadata: undefined }),
    );
  }

  done(artifacts: Artifact[]): void {
    for (const each of artifacts) this.artifact(each);
    this.status(STATE.completed);
  }

  #message(words: string) {
    return {
      ...{ messageId: randomUUID(), ...this.#ids, role: 2, parts: [text(words)] },
      ...{ metadata: undefined, extensions: [], referenceTaskIds: [] },
    };
  }
}
