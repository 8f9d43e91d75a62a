import type { OnInstanceDown } from "../../src/core/session.ts";
import type { PlannedCall } from "./calls.ts";
import type { Evidence, Told, ToldOutcome } from "./evidence.ts";
import type { Command, Reply } from "./messages.ts";
import type { Heard, Orchestrators } from "./orchestrators.ts";
import type { SeededRandom } from "./random.ts";

/** Makes the calls of the schedule as a client would, and keeps what it was told. */
export class Caller {
  readonly evidence: Pick<Evidence, "calls" | "pids" | "told"> = {
    calls: new Map(),
    pids: new Map(),
    told: [],
  };
  readonly #orchestrators: Orchestrators;
  readonly #random: SeededRandom;

  constructor(orchestrators: Orchestrators, random: SeededRandom) {
    this.#orchestrators = orchestrators;
    this.#random = random;
  }

  /** Opens a session, however often that takes. */
  async spawn(sessionId: string, onInstanceDown: OnInstanceDown): Promise<void> {
    const input = { sessionId, onInstanceDown };
    for (let attempt = 0; attempt < 20; attempt++) {
      const { reply } = await this.#ask({ operation: "spawn", input, createdBy: "spawn" });
      if (reply && ("answer" in reply || reply.error.code === "session_exists")) return;
    }
    throw new Error(`Session ${sessionId} could not be opened.`);
  }

  async make(call: PlannedCall): Promise<void> {
    this.evidence.calls.set(call.callId, call);
    this.evidence.pids.set(call.callId, new Set());
    const first = this.#send(call);
    const [heard] = await Promise.all(call.twice ? [first, this.#send(call)] : [first]);
    if (!heard?.reply && "idempotencyKey" in call.input) {
      // Its process died: the same key again is the same run.
      await this.#send(call);
    }
    const runId = heard?.reply && runIdOf(heard.reply);
    if (runId === undefined || !isPending(heard?.reply)) return;
    if (call.cancel) await this.#follow(call, "cancel", { runId });
    await this.#follow(call, "get", { runId, wait: 9 });
  }

  async #send(call: PlannedCall): Promise<Heard> {
    const heard = await this.#ask({ operation: call.operation, input: call.input, createdBy: call.callId });
    this.#note(call, heard);
    return heard;
  }

  async #follow(call: PlannedCall, operation: "get" | "cancel", input: Command["input"]): Promise<void> {
    this.#note(call, await this.#ask({ operation, input, createdBy: call.callId }));
  }

  #ask(command: Omit<Command, "id">): Promise<Heard> {
    return this.#orchestrators.ask(this.#random, command);
  }

  #note(call: PlannedCall, { pid, reply }: Heard): void {
    this.evidence.pids.get(call.callId)?.add(pid);
    if (!reply) return;
    const runId = runIdOf(reply);
    const told: Told = { call, runId, outcomes: "answer" in reply ? outcomesOf(reply.answer) : [] };
    if ("error" in reply) told.error = reply.error;
    else if (saysTakenOver(reply.answer)) told.takenOver = true;
    this.evidence.told.push(told);
  }
}

function runIdOf(reply: Reply): string | undefined {
  return "answer" in reply ? (reply.answer.runId as string | undefined) : reply.error.runId;
}

/** Each operation says in its own way what became of the work at whom. */
function outcomesOf(answer: Record<string, unknown>): ToldOutcome[] {
  if (Array.isArray(answer.outcomes)) return answer.outcomes;
  return typeof answer.instance === "string" ? [answer as unknown as ToldOutcome] : [];
}

function saysTakenOver({ warnings }: Record<string, unknown>): boolean {
  return Array.isArray(warnings) && warnings.some((warning) => String(warning).includes("taken over"));
}

function isPending(reply: Reply | undefined): boolean {
  if (!reply || !("answer" in reply)) return false;
  return reply.answer.reply === "pending" || reply.answer.complete === false;
}
