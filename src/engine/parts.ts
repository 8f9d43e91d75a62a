import type { EngineDependencies } from "./dependencies.ts";
import type { Fleet } from "./fleet.ts";
import type { HealthMonitor } from "./health-monitor.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { RunJournal } from "./run-journal.ts";
import type { SessionLines } from "./session-line.ts";
import type { SessionRecords } from "./session-records.ts";

/** What the use cases work with: the dependencies and the parts built on them. */
export interface EngineParts extends EngineDependencies {
  fleet: Fleet;
  health: HealthMonitor;
  journal: RunJournal;
  live: LiveRuns;
  records: SessionRecords;
  lines: SessionLines;
}
