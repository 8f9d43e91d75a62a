import type { HealthRecord } from "../core/health.ts";
import type { Probe } from "../core/ports.ts";

/** What a poll or a call showed of an instance. */
export type Observation =
  | { kind: "ok" }
  /** No connection could be made. */
  | { kind: "unreachable"; reason: string }
  | { kind: "draining"; reason: string }
  /** It was reached and did not do what it should: a timeout, a broken answer, a 5xx. */
  | { kind: "trouble"; reason: string }
  | { kind: "poll"; probe: Probe };

/** So many troubles in a row are taken for an outage; one or two may be the task's own. */
const TROUBLES_UNTIL_DOWN = 3;

export function unobserved(now: number): HealthRecord {
  return { state: "unknown", since: now, reason: "not checked yet", failures: 0 };
}

/** The next health of an instance after one observation. Pure. */
export function observe(record: HealthRecord, observation: Observation, now: number): HealthRecord {
  const next = after(record, observation);
  return {
    ...record,
    ...next,
    observedAt: now,
    since: next.state === record.state ? record.since : now,
  };
}

type Next = Pick<HealthRecord, "state" | "reason" | "failures"> & Partial<HealthRecord>;

function after(record: HealthRecord, observation: Observation): Next {
  switch (observation.kind) {
    case "ok":
      // A draining instance still answers what it has begun.
      return record.state === "draining"
        ? { state: "draining", reason: record.reason, failures: 0 }
        : { state: "healthy", reason: "answered a call", failures: 0 };
    case "unreachable":
      return { state: "down", reason: observation.reason, failures: record.failures + 1 };
    case "draining":
      return { state: "draining", reason: observation.reason, failures: 0 };
    case "trouble": {
      const failures = record.failures + 1;
      return {
        state: failures >= TROUBLES_UNTIL_DOWN ? "down" : "degraded",
        reason: observation.reason,
        failures,
      };
    }
    case "poll": {
      const { state, ...seen } = observation.probe;
      return {
        ...seen,
        state,
        failures: state === "healthy" || state === "draining" ? 0 : record.failures + 1,
      };
    }
  }
}

/** Whether work should rather go elsewhere. */
export function isSick(record: HealthRecord): boolean {
  return record.state === "down" || record.state === "draining";
}
