import type { Run } from "../../src/core/run.ts";
import type { Evidence } from "./evidence.ts";

/** Whether a fault explains that a run does not know what became of its work at an instance. */
export function isExplained(
  { isTroubled, outages, pids, disturbed }: Evidence,
  run: Run,
  instance: string,
): boolean {
  const ended = run.endedAt ?? Number.POSITIVE_INFINITY;
  return (
    run.attempts.some((attempt) => attempt.instance === instance && isTroubled(attempt.key)) ||
    outages.some(
      (outage) => outage.instance === instance && outage.from <= ended && outage.until >= run.createdAt,
    ) ||
    [...(pids.get(run.createdBy) ?? [])].some((pid) => disturbed.has(pid))
  );
}
