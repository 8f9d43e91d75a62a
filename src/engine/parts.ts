import type { Cancellation } from "../core/cancellation.ts";
import type { Turns } from "../policy/balancing.ts";
import type { RetryBudget } from "../policy/budget.ts";
import type { Slots } from "../policy/slots.ts";
import type { Breakers } from "./breakers.ts";
import type { CallKeys } from "./call-keys.ts";
import type { CancelOrders } from "./cancel-orders.ts";
import type { EngineDependencies } from "./dependencies.ts";
import type { Fleet } from "./fleet.ts";
import type { HealthHistory } from "./health-history.ts";
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
  history: HealthHistory;
  breakers: Breakers;
  slots: Slots;
  budget: RetryBudget;
  turns: Turns;
  orders: CancelOrders;
  keys: CallKeys;
  /** Cancelled when this process is about to go: whoever waits gets a handle. */
  leaving: Cancellation;
  /** Takes over a run whose owner is gone; false where its instances are not of this fleet. */
  takeOver: (runId: string, from: string) => Promise<boolean>;
}
