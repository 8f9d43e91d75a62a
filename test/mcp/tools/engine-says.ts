import type { OutcomeView } from "../../../src/core/answers.ts";
import { OrchestratorError } from "../../../src/core/errors.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { type Answered, call, connect, engineWith } from "../harness.ts";

export const AT = "2026-01-01T00:00:00.000Z";

/** What a call answers when the engine says this. */
export async function answered(
  method: keyof Engine,
  said: unknown,
  tool: string,
  args: Record<string, unknown>,
): Promise<Answered> {
  const client = await connect(engineWith({ [method]: () => Promise.resolve(said) }));
  return call(client, tool, args);
}

export const done = (instance: string, result: OutcomeView["result"]): OutcomeView => ({
  instance,
  delivery: "accepted",
  reply: "done",
  elapsedMs: 12,
  ...(result !== undefined && { result }),
});

export const down: OutcomeView = {
  instance: "D",
  delivery: "not_sent",
  reply: "none",
  error: new OrchestratorError("instance_down", "connection refused", {
    instance: "D",
    delivery: "not_sent",
  }).toBody(),
};
