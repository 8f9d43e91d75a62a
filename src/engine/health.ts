import type { InstanceHealth, TransitionView } from "../core/answers.ts";
import type { HealthTransition } from "../core/health.ts";
import type { Instance } from "../core/instance.ts";
import type { HealthInput } from "../core/requests.ts";
import type { Breaker } from "../policy/breaker.ts";
import type { EngineParts } from "./parts.ts";
import { iso } from "./views.ts";

/** Checks the instances now, and says what is believed of each and why; without a selector, of all. */
export async function checkHealth(
  parts: EngineParts,
  { instances, detail }: HealthInput,
): Promise<InstanceHealth[]> {
  const { fleet, health, breakers } = parts;
  await breakers.refresh();
  const { picked, unknown } =
    instances === undefined ? { picked: await fleet.known(), unknown: [] } : await fleet.select(instances);
  await health.check(picked);
  const views = picked.map(async (instance) => ({
    ...view(parts, instance),
    tags: [...(await parts.fleet.tagsOf(instance))],
    ...(detail && (await past(parts, instance))),
  }));
  return [
    ...(await Promise.all(views)),
    ...unknown.map(
      (instance): InstanceHealth => ({ instance, state: "unknown", reason: "no instance has this name" }),
    ),
  ];
}

/** Its transitions; since when it is in its state is then what all processes know, not this one alone. */
async function past(
  { health, history }: EngineParts,
  instance: Instance,
): Promise<Pick<InstanceHealth, "transitions" | "since">> {
  const transitions = await history.read(instance);
  const last = transitions.at(-1);
  const { state } = health.of(instance);
  return {
    transitions: transitions.map(transitionView),
    ...(last?.to === state && { since: iso(last.at) }),
  };
}

function transitionView({
  from,
  to,
  at,
  reason,
  calls,
  polls,
  rerouted,
  runIds,
}: HealthTransition): TransitionView {
  return {
    from,
    to,
    at: iso(at),
    reason,
    seenBy: { calls, polls },
    ...(rerouted > 0 && { rerouted: { count: rerouted, runIds } }),
  };
}

function breakerView(breaker: Breaker): Pick<InstanceHealth, "breaker"> {
  if (breaker.state === "closed") return {};
  const { state, since, until, reason } = breaker;
  return { breaker: { state, since: iso(since), until: iso(until), reason } };
}

function view({ health, breakers, clients }: EngineParts, instance: Instance): InstanceHealth {
  const { state, since, reason, observedAt, latencyMs, inFlight } = health.of(instance);
  return {
    instance: instance.name,
    state,
    since: iso(since),
    reason,
    ...(observedAt !== undefined && { checkedAt: iso(observedAt) }),
    ...(latencyMs !== undefined && { latencyMs }),
    ...(inFlight !== undefined && { inFlight }),
    ...breakerView(breakers.of(instance)),
    protocol: instance.protocol,
    capabilities: clients.of(instance).capabilities,
    source: instance.source,
  };
}
