import type { InstanceHealth } from "../core/answers.ts";
import type { ErrorBody } from "../core/errors.ts";
import type { HealthState } from "../core/health.ts";
import { healthJson } from "./health-table.ts";

export interface Change {
  instance: string;
  from: HealthState;
  to: HealthState;
  reason: string;
}

/** One check of all: what was found and what has changed since the one before, or why it failed. */
export type Round = { at: Date } & ({ found: InstanceHealth[]; changed: Change[] } | { error: ErrorBody });

/** Who is in another state than before; one that has come or gone was, or is, unknown. */
export function changes(before: readonly InstanceHealth[], now: readonly InstanceHealth[]): Change[] {
  const earlier = new Map(before.map((each) => [each.instance, each.state]));
  const names = new Set(now.map(({ instance }) => instance));
  const gone = before.filter(({ instance }) => !names.has(instance));
  return [
    ...now.map(({ instance, state, reason }) => ({
      instance,
      from: earlier.get(instance) ?? "unknown",
      to: state,
      reason,
    })),
    ...gone.map(
      ({ instance, state }): Change => ({
        instance,
        from: state,
        to: "unknown",
        reason: "it is no longer in the fleet",
      }),
    ),
  ].filter(({ from, to }) => from !== to);
}

/** A round as one line for programs. */
export function roundJson(round: Round, detail: boolean): object {
  const at = round.at.toISOString();
  if ("error" in round) return { at, error: round.error };
  return { at, health: healthJson(round.found, detail), changed: round.changed };
}
