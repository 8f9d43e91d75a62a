import type { AggregationStrategy } from "../core/aggregation/strategy.ts";
import type { BalancingStrategy } from "../core/balancing.ts";
import { collectedEntries } from "../core/collected.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { delegateInput, fanoutInput } from "../core/requests.ts";
import type { Selector } from "../core/selector.ts";
import type { Engine } from "../engine/engine.ts";
import type { Worker, WorkerTask } from "../host/worker.ts";

/** How a fleet that is an instance of another fleet passes its tasks on. */
export interface FleetWorkerOptions {
  /** The instance's name. */
  name: string;
  /** Who of this fleet does the tasks. */
  pool: Selector;
  mode: "delegate" | "fanout";
  pick?: BalancingStrategy;
  /** `fanout`: what makes one answer of them; without it they are listed. */
  aggregate?: AggregationStrategy;
}

/** Whoever sent the task has its deadline, and cancels it here. */
const LONGEST = "24d";

/** Has a fleet do the tasks of one instance, so that fleets nest. It keeps no sessions. */
export function fleetWorker(
  engine: Engine,
  { name, pool, mode, pick, aggregate }: FleetWorkerOptions,
): Worker {
  const common = { timeout: LONGEST, wait: LONGEST, fresh: true };
  const contextOf = ({ hops, cancellation }: WorkerTask) => ({
    createdBy: `fleet:${name}`,
    hops: hops + 1,
    cancellation,
  });

  async function delegate(task: WorkerTask): Promise<Json> {
    const input = delegateInput.parse({
      ...common,
      instances: pool,
      payload: task.payload,
      ...(pick && { pick }),
    });
    const answer = await engine.delegate(input, contextOf(task));
    return "result" in answer ? (answer.result ?? null) : null;
  }

  async function fanout(task: WorkerTask): Promise<Json> {
    const spec = aggregate && { aggregate: { strategy: aggregate } };
    const input = fanoutInput.parse({ ...common, targets: pool, payload: task.payload, ...spec });
    const answer = await engine.fanout(input, contextOf(task));
    if ("dryRun" in answer) return null;
    if (answer.aggregateError) throw OrchestratorError.fromBody(answer.aggregateError);
    if (answer.aggregate) return answer.aggregate.value;
    const [first] = answer.outcomes;
    if (answer.counts.done === 0 && first?.error) throw OrchestratorError.fromBody(first.error);
    return collectedEntries(answer.outcomes) as unknown as Json;
  }

  return {
    description: {
      does:
        mode === "delegate"
          ? `Hands each task to one instance of the fleet behind ${name}.`
          : `Sends each task to the instances of the fleet behind ${name} and combines their answers.`,
      payload: "what the instances of that fleet take",
      example: { message: "What do you do?" },
    },
    sessions: false,
    run: async (task) => ({ result: await (mode === "delegate" ? delegate(task) : fanout(task)) }),
    facts: () => ({ pool: [pool].flat(), mode, ...(aggregate && { aggregate }) }),
    close: async () => {},
  };
}
