import type { OnInstanceDown } from "../../src/core/session.ts";
import type { Operation } from "./messages.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { LONG_BODY, type OverLimit } from "./sizes.ts";

/** One call of the schedule, and what is done around it. */
export interface PlannedCall {
  callId: string;
  operation: Extract<Operation, "delegate" | "fanout" | "send">;
  input: Record<string, unknown>;
  /** It was declared harmless to do twice. */
  idempotent: boolean;
  /** Cancelled once its handle is there. */
  cancel: boolean;
  /** Made twice at once, by two processes, under one `idempotencyKey`. */
  twice: boolean;
  /** Which limit it exceeds wherever it goes. */
  over?: OverLimit;
}

/** What becomes of each session when its owner is down: most may move, as that is what goes wrong. */
export const SESSIONS: Record<string, OnInstanceDown> = Object.fromEntries(
  Array.from({ length: 10 }, (_, index) => [`session${index}`, index < 3 ? "fail" : "migrate"]),
);

/** The call of this number: it follows from the seed and the number alone. */
export function planCall(seed: number, index: number, fleet: readonly string[]): PlannedCall {
  const random = seededRandom(seed, `call ${index}`);
  const callId = `call-${index}`;
  const kind = random.next();
  const cancel = random.chance(0.04);
  const idempotent = kind < 0.65 && random.chance(0.1);
  const keys = random.chance(0.3) ? { idempotencyKey: callId } : {};
  const waits = cancel || random.chance(0.08) ? { wait: random.between(0, 200) / 1_000 } : {};
  const common = { timeout: random.between(20, 80) / 10, ...waits };
  const over = random.chance(0.03) ? random.one<OverLimit>(["body", "reply"]) : undefined;
  const work = { ...payload(random, callId), ...(over && { over }) };
  const twice = "idempotencyKey" in keys && random.chance(0.4);
  const facts = { callId, idempotent, cancel, twice, ...(over && { over }) };
  if (kind < 0.65) {
    const instances = random.shuffled(fleet).slice(0, random.between(1, 4));
    return {
      ...facts,
      operation: "delegate",
      input: {
        ...common,
        ...keys,
        instances,
        idempotent,
        payload: work,
        fallback: random.one(["listed", "listed", "any", "none"]),
        pick: random.one(["ordered", "ordered", "round-robin", "least-busy"]),
        retries: random.between(0, 3),
      },
    };
  }
  if (kind < 0.85) {
    const targets = random.shuffled(fleet).slice(0, random.between(2, fleet.length));
    return { ...facts, operation: "fanout", input: { ...common, ...keys, targets, payload: work } };
  }
  const sessionId = random.one(Object.keys(SESSIONS));
  return { ...facts, operation: "send", input: { ...common, ...keys, sessionId, data: work } };
}

function payload(random: SeededRandom, callId: string): Record<string, unknown> {
  const length = random.next();
  const ms = length < 0.75 ? 0 : length < 0.95 ? random.between(20, 400) : random.between(500, 3_000);
  return {
    callId,
    ms,
    fail: random.chance(0.03),
    ...(random.chance(0.05) && { pad: "x".repeat(LONG_BODY) }),
  };
}
