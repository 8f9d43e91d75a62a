import { OrchestratorError } from "../core/errors.ts";
import { canonicalJson, type Json } from "../core/json.ts";
import type { Clock, Ids, Processes, Store } from "../core/ports.ts";
import { keptFor } from "./run-keys.ts";
import { sleep } from "./sleep.ts";

/** How long a call whose answer reached nobody waits for the identical call. */
const UNCLAIMED_MS = 10 * 60_000;
const LOOK_AGAIN_MS = 50;
/** A run whose key is claimed is stored within moments; one that is not never will be. */
const BEGIN_PATIENCE_MS = 10_000;

export interface CallKeysDependencies {
  clock: Clock;
  ids: Ids;
  processes: Processes;
  store: Store;
  /** How long ended runs are kept. */
  keepMs: () => number;
}

/** What a call is about: another call with the same facts asks for the same work. */
export interface CallFacts {
  caller: string;
  operation: string;
  /** Selector, payloads, session, `idempotent`: what makes the work what it is; not waits and retries. */
  work: Json;
}

interface Claim {
  runId: string;
  fingerprint: string;
  processId: string;
}

/** Which run answers a call that is made again: by the caller's own key, or by being the identical call. */
export class CallKeys {
  readonly #deps: CallKeysDependencies;
  /** Runs of this process whose keys are claimed and which have not begun yet. */
  readonly #beginning = new Set<string>();

  constructor(deps: CallKeysDependencies) {
    this.#deps = deps;
  }

  /**
   * The run that a caller's key stands for, if it was ever claimed.
   *
   * @throws OrchestratorError `conflict` when the key stands for other work.
   */
  async find(facts: CallFacts, key: string): Promise<string | undefined> {
    const entry = await this.#deps.store.get(this.#claimKey(facts, key));
    if (!entry) return undefined;
    const { runId, fingerprint } = JSON.parse(entry.value) as Claim;
    if (fingerprint !== this.#fingerprint(facts)) throw otherWork(key, runId);
    return runId;
  }

  /**
   * Claims a caller's key for a run that is about to begin, or names the run that already has it.
   *
   * @param isKnown Whether that run is stored, or worked on by this process.
   * @throws OrchestratorError `conflict` when the key stands for other work.
   */
  async claim(
    facts: CallFacts,
    key: string,
    runId: string,
    isKnown: (runId: string) => Promise<boolean>,
  ): Promise<string | undefined> {
    const { store, processes, clock, keepMs } = this.#deps;
    const at = this.#claimKey(facts, key);
    const fingerprint = this.#fingerprint(facts);
    const mine: Claim = { runId, fingerprint, processId: processes.self };
    this.#beginning.add(runId);
    const giveUpAt = clock.monotonic() + BEGIN_PATIENCE_MS;
    for (;;) {
      const entry = await store.get(at);
      const theirs = entry && (JSON.parse(entry.value) as Claim);
      if (theirs && theirs.fingerprint !== fingerprint)
        throw this.#refused(runId, otherWork(key, theirs.runId));
      // Asked in this order: a run that is no longer beginning here is known from then on.
      const isBeginning = theirs !== undefined && this.#beginning.has(theirs.runId);
      if (theirs && !isBeginning && (await isKnown(theirs.runId))) {
        this.#beginning.delete(runId);
        return theirs.runId;
      }
      if (
        isBeginning ||
        (theirs && theirs.processId !== processes.self && !processes.isGone(theirs.processId))
      ) {
        if (clock.monotonic() > giveUpAt) throw this.#refused(runId, neverBegun(key));
        await sleep(clock, LOOK_AGAIN_MS);
        continue;
      }
      const written = await store.put(at, JSON.stringify(mine), {
        ifVersion: entry?.version ?? 0,
        expiresAt: clock.now() + keptFor({ keyed: true }, keepMs()),
      });
      if (written !== undefined) return undefined;
    }
  }

  #refused(runId: string, error: OrchestratorError): OrchestratorError {
    this.#beginning.delete(runId);
    return error;
  }

  /** The run of a claimed key is now worked on, or has failed to begin. */
  begun(runId: string): void {
    this.#beginning.delete(runId);
  }

  /** Notes that nobody was there any more to hear what came of a run. */
  async leaveUnclaimed(facts: CallFacts, runId: string): Promise<void> {
    const expiresAt = this.#deps.clock.now() + UNCLAIMED_MS;
    await this.#deps.store.put(this.#unclaimedKey(facts), JSON.stringify({ runId }), { expiresAt });
  }

  /** The run of an identical call whose answer reached nobody: given once. */
  async takeUnclaimed(facts: CallFacts): Promise<string | undefined> {
    const { store } = this.#deps;
    const entry = await store.get(this.#unclaimedKey(facts));
    if (!entry || !(await store.delete(entry.key, { ifVersion: entry.version }))) return undefined;
    return (JSON.parse(entry.value) as { runId: string }).runId;
  }

  #claimKey({ caller, operation }: CallFacts, key: string): string {
    return `key/${this.#deps.ids.hash(canonicalJson([caller, operation, key]))}`;
  }

  #unclaimedKey(facts: CallFacts): string {
    return `unclaimed/${this.#deps.ids.hash(canonicalJson([facts.caller, this.#fingerprint(facts)]))}`;
  }

  #fingerprint({ operation, work }: CallFacts): string {
    return this.#deps.ids.hash(canonicalJson([operation, work]));
  }
}

function neverBegun(key: string): OrchestratorError {
  return new OrchestratorError(
    "conflict",
    `idempotencyKey: ${key} is held by a process that does not begin its run.`,
    {
      action: "Repeat the call when that process has ended, or use another key.",
      delivery: "not_sent",
    },
  );
}

function otherWork(key: string, runId: string): OrchestratorError {
  return new OrchestratorError(
    "conflict",
    `idempotencyKey: ${key} stands for other work, that of run ${runId}.`,
    {
      runId,
      action: "Use another key for this work, or repeat the call exactly as it was.",
    },
  );
}
