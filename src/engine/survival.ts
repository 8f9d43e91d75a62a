import type { Run } from "../core/run.ts";
import type { EngineParts } from "./parts.ts";

/**
 * Whether what is pending goes on, and can be fetched later, when this process ends now: everything is
 * on its way to, or at, an instance that can be asked about it.
 */
export function survivesExit({ fleet, clients }: EngineParts, run: Run): boolean {
  // A plan's next step is begun by whoever takes it over, not by an instance.
  if (run.plan) return false;
  return run.outcomes.every(({ instance, delivery, endedAt, taskId }) => {
    if (endedAt !== undefined) return true;
    const known = fleet.find(instance);
    if (delivery === "not_sent" || known === undefined) return false;
    const { idempotency, async } = clients.of(known).capabilities;
    return idempotency || (async && taskId !== undefined);
  });
}
