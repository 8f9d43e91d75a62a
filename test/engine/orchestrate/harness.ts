import type * as z from "zod";
import type { CallContext } from "../../../src/core/context.ts";
import type { Json } from "../../../src/core/json.ts";
import type { OrchestrateAnswer } from "../../../src/core/plan-answers.ts";
import { orchestrateInput } from "../../../src/core/requests.ts";
import { validate } from "../../../src/core/validate.ts";
import type { Worker } from "../../../src/host/worker.ts";
import { startHost } from "../../host/harness.ts";
import { done, type TestEngineOptions, testEngine } from "../harness.ts";

export type PlanInput = z.input<typeof orchestrateInput>;

/** An engine whose plans are written as a caller writes them. */
export function planEngine(options: TestEngineOptions) {
  const made = testEngine(options);
  const orchestrate = async (input: PlanInput, facts: Partial<CallContext> = {}) =>
    made.engine.orchestrate(validate(orchestrateInput, input), { createdBy: "test", ...facts });
  return {
    ...made,
    orchestrate: async (input: PlanInput, facts?: Partial<CallContext>): Promise<OrchestrateAnswer> =>
      done(await orchestrate(input, facts)),
    dryOrchestrate: (input: PlanInput) => orchestrate({ ...input, dryRun: true }),
  };
}

/** What each step came to, by its id. */
export function values({ steps }: OrchestrateAnswer): Record<string, Json | undefined> {
  return Object.fromEntries(steps.map(({ step, value }) => [step, value]));
}

export function states({ steps }: OrchestrateAnswer): Record<string, string> {
  return Object.fromEntries(steps.map(({ step, state }) => [step, state]));
}

/** A host that notes what it is given and answers with what the function makes of it. */
export async function startWorker(answer: (payload: Json) => Json | Promise<Json>) {
  const seen: Json[] = [];
  let most = 0;
  let now = 0;
  const worker: Worker = {
    description: { does: "Works.", payload: "anything", example: 1 },
    async run({ payload }) {
      seen.push(payload);
      most = Math.max(most, ++now);
      try {
        return { result: await answer(payload) };
      } finally {
        now -= 1;
      }
    },
    close: async () => {},
  };
  const host = await startHost({ worker, concurrency: 64 });
  return { url: host.origin, seen, most: () => most, host };
}
