import type { InstanceHealth } from "../core/answers.ts";
import type { Instance } from "../core/instance.ts";
import type { HealthInput } from "../core/requests.ts";
import type { EngineParts } from "./parts.ts";
import { iso } from "./views.ts";

/** Checks the instances now, and says what is believed of each and why; without a selector, of all. */
export async function checkHealth(parts: EngineParts, { instances }: HealthInput): Promise<InstanceHealth[]> {
  const { fleet, health } = parts;
  const { picked, unknown } =
    instances === undefined ? { picked: await fleet.known(), unknown: [] } : await fleet.select(instances);
  await health.check(picked);
  return [
    ...picked.map((instance) => view(parts, instance)),
    ...unknown.map(
      (instance): InstanceHealth => ({ instance, state: "unknown", reason: "no instance has this name" }),
    ),
  ];
}

function view({ health }: EngineParts, instance: Instance): InstanceHealth {
  const { state, since, reason, observedAt, latencyMs, inFlight } = health.of(instance);
  return {
    instance: instance.name,
    state,
    since: iso(since),
    reason,
    ...(observedAt !== undefined && { checkedAt: iso(observedAt) }),
    ...(latencyMs !== undefined && { latencyMs }),
    ...(inFlight !== undefined && { inFlight }),
    protocol: instance.protocol,
    tags: instance.tags,
    source: instance.source,
  };
}
