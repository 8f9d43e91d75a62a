import type { DryRunAnswer } from "../core/answers.ts";
import { OrchestratorError } from "../core/errors.ts";
import { type Instance, instanceId } from "../core/instance.ts";
import type { DelegateInput } from "../core/requests.ts";
import type { Explanation, Run } from "../core/run.ts";
import type { Selector } from "../core/selector.ts";
import { balance } from "../policy/balancing.ts";
import { type Beliefs, orderByHealth } from "../policy/candidates.ts";
import { isSick } from "../policy/health.ts";
import type { Settings } from "./dependencies.ts";
import type { EngineParts } from "./parts.ts";

/** Who is to do a task, in which order, and why. */
export interface Choice {
  order: Instance[];
  explanation: Explanation;
  /** Each is tried once, in spite of what is believed of it. */
  doubtful: boolean;
  /** The candidates in the order that the caller's list and `pick` give them, whatever their health. */
  picked: Instance[];
}

/** Chooses the candidates of a task. With `dryRun` nobody is asked anything, and no turn is taken. */
export async function choose(parts: EngineParts, input: DelegateInput): Promise<Choice> {
  const { breakers, clock } = parts;
  const { listed, known } = await list(parts, input);
  const chosen = input.fallback === "none" && input.pick === "ordered" ? listed.slice(0, 1) : listed;
  const patienceMs = input.timeout ?? parts.settings().timeoutMs;
  await (input.dryRun ? breakers.refresh() : breakers.prepare(chosen, patienceMs));
  const candidates = orderByHealth(chosen, known, beliefs(parts), clock.now());
  const { doubtful } = candidates;
  const balanced = balanceWell(parts, candidates.order, input);
  const order = input.fallback === "none" ? balanced.slice(0, 1) : balanced;
  if (input.pick === "round-robin" && order[0] && !input.dryRun) parts.turns.took(instanceId(order[0]));
  const notes = [
    ...(doubtful ? [DOUBT] : []),
    ...setBack(parts, order),
    ...spares(listed, order, candidates.excluded, input),
  ];
  const explanation: Explanation = {
    order: order.map(({ name }) => name),
    excluded: candidates.excluded,
    ...(input.pick !== "ordered" && { pick: input.pick }),
    ...(notes.length > 0 && { notes }),
  };
  return { order, explanation, doubtful, picked: chosen };
}

/** What a call would do now, with what the protocol of each who would be asked can do. */
export function dryRunOf(
  { fleet, clients }: EngineParts,
  operation: "delegate" | "fanout",
  explanation: Explanation,
): DryRunAnswer {
  const capabilities = Object.fromEntries(
    explanation.order.flatMap((name) => {
      const instance = fleet.find(name);
      return instance ? [[name, clients.of(instance).capabilities]] : [];
    }),
  );
  return { dryRun: true, operation, explanation, capabilities };
}

/** What is believed of the instances now. */
export function beliefs({ health, breakers }: EngineParts): Beliefs {
  return { of: health.of, blocks: breakers.blocks };
}

const DOUBT =
  "More than half of the fleet looks down, which may be this machine's fault: each is tried once all the same.";

/** The candidates as they were listed, and with `fallback: "any"` everyone else after them. */
async function list(
  { fleet, settings }: EngineParts,
  { instances, fallback }: DelegateInput,
): Promise<{ listed: Instance[]; known: readonly Instance[] }> {
  const listed = await fleet.selectKnown(instances ?? defaultTargets("instances", settings()));
  const known = await fleet.known();
  return { listed: fallback === "any" ? [...new Set([...listed, ...known])] : listed, known };
}

/** There is no implicit "all": where a call names nobody, the configuration must. */
export function defaultTargets(field: string, { targets }: Settings): Selector {
  if (targets !== undefined) return targets;
  throw new OrchestratorError("bad_request", `${field}: name at least one instance.`, {
    delivery: "not_sent",
    action: `Give ${field}, such as ["A"], ["A-H"] or ["*"], or set "instances" in the configuration.`,
  });
}

/** Balances those that are well; the sick stay behind them. */
function balanceWell(parts: EngineParts, order: Instance[], { pick }: DelegateInput): Instance[] {
  if (pick === "ordered" || order.length < 2) return order;
  const { health, slots, turns, random } = parts;
  const well = order.filter((instance) => !isSick(health.of(instance)));
  const load = { random, inFlight: (id: string) => slots.inFlight(id), lastPicked: turns.last };
  return [...balance(well, pick, instanceId, load), ...order.slice(well.length)];
}

function setBack({ health }: EngineParts, order: readonly Instance[]): string[] {
  if (order.length < 2) return [];
  return order.flatMap((instance) => {
    const { state, reason } = health.of(instance);
    return isSick(health.of(instance)) ? [`${instance.name} stands back: ${state}: ${reason}.`] : [];
  });
}

/** Those that could have taken over, had that been allowed. */
function spares(
  listed: readonly Instance[],
  order: readonly Instance[],
  excluded: Explanation["excluded"],
  { fallback }: DelegateInput,
): string[] {
  if (fallback !== "none" || listed.length < 2) return [];
  const accounted = new Set(
    [...order, ...excluded].map((each) => ("name" in each ? each.name : each.instance)),
  );
  const names = listed.filter(({ name }) => !accounted.has(name)).map(({ name }) => name);
  return names.length === 0 ? [] : [`Not to take over, since fallback is "none": ${names.join(", ")}.`];
}

/** Tells the health record of each sick instance which run passed it by on its way to another. */
export function noteReroutes(parts: EngineParts, { picked, order }: Choice, run: Run): void {
  if (run.attempts.length === 1 && order[0] === picked[0]) return;
  const taker = run.outcomes.findLast(({ delivery }) => delivery === "accepted");
  if (!taker) return;
  const place = picked.findIndex(({ name }) => name === taker.instance);
  for (const [index, instance] of picked.entries()) {
    const health = parts.health.of(instance);
    const tried = run.outcomes.some((outcome) => outcome !== taker && outcome.instance === instance.name);
    // In a pool nobody was due, so only those that were tried have been passed by.
    const passedBy = tried || (run.explanation.pick === undefined && index < place);
    if (passedBy && isSick(health)) {
      parts.history.rerouted(instance, health.state, health.reason, run.runId);
    }
  }
}
