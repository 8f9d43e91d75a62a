import type { ErrorBody } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import type { Entry, Store } from "../../src/core/ports.ts";
import type { Run } from "../../src/core/run.ts";
import type { Message, Session } from "../../src/core/session.ts";
import { RUNS, resultKey } from "../../src/engine/run-keys.ts";
import type { PlannedCall } from "./calls.ts";
import type { KeyChange } from "./changing-key.ts";
import type { Outage } from "./fleet.ts";
import type { Execution } from "./ledger.ts";

/** What a face would have been told about one outcome. */
export interface ToldOutcome {
  instance: string;
  delivery: string;
  reply: string;
  result?: Json;
}

/** One answer or error as the caller got it. */
export interface Told {
  call: PlannedCall;
  runId: string | undefined;
  /** What the answer says of the work at each instance that it names. */
  outcomes: ToldOutcome[];
  /** It says that another process has taken the run over: what it tells may be more than what is stored. */
  takenOver?: boolean;
  error?: ErrorBody;
}

/** A message of a transcript; `uid` is its session's. */
export interface StoredMessage extends Message {
  uid: string;
}

/** All that is known after a campaign. */
export interface Evidence {
  calls: Map<string, PlannedCall>;
  /** Processes that each call was made at. */
  pids: Map<string, Set<number>>;
  told: Told[];
  executions: Execution[];
  /** Stored runs, with their results, by id. */
  runs: Map<string, Run>;
  messages: StoredMessage[];
  sessions: Session[];
  outages: Outage[];
  /** Instances that changed the key that they demand. */
  keyChanges: KeyChange[];
  /** Whether a request under this key met a fault. */
  isTroubled: (key: string) => boolean;
  /** Processes that were killed or stopped. */
  disturbed: Set<number>;
  /** Processes that crashed, hung or did not answer. */
  failures: string[];
}

/** Every stored run, with its results. */
export async function readRuns(store: Store, { whole }: { whole: boolean }): Promise<Map<string, Run>> {
  const runs = new Map<string, Run>();
  for await (const { value } of entriesUnder(store, RUNS)) {
    const run = JSON.parse(value) as Run;
    runs.set(run.runId, run);
    for (const [index, outcome] of whole ? run.outcomes.entries() : []) {
      if (outcome.reply !== "done" || outcome.result !== undefined) continue;
      const stored = await store.get(resultKey(run.runId, index));
      if (stored) outcome.result = JSON.parse(stored.value) as Json;
    }
  }
  return runs;
}

/** Every message of every transcript, in order, with the session that it belongs to. */
export async function readMessages(store: Store): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for await (const { key, value } of entriesUnder(store, "message/"))
    messages.push({ ...(JSON.parse(value) as Message), uid: key.split("/")[1] as string });
  return messages;
}

export async function readSessions(store: Store): Promise<Session[]> {
  const sessions: Session[] = [];
  for await (const { value } of entriesUnder(store, "session/")) sessions.push(JSON.parse(value) as Session);
  return sessions;
}

async function* entriesUnder(store: Store, prefix: string): AsyncGenerator<Entry> {
  for (let after: string | undefined; ; ) {
    const page = await store.list(prefix, after === undefined ? {} : { after });
    yield* page;
    after = page.at(-1)?.key;
    if (after === undefined) return;
  }
}
