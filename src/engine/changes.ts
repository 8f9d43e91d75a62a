import type { EngineChange, KnownInstance } from "../core/changes.ts";
import type { Viewer } from "../core/context.ts";
import type { Run } from "../core/run.ts";
import type { Session } from "../core/session.ts";
import type { EngineParts } from "./parts.ts";
import { RUNS } from "./run-keys.ts";
import { SESSIONS } from "./session-records.ts";
import { isVisible } from "./visibility.ts";

/** How often the fleet is looked at while somebody watches: what is known of it is in memory. */
const LOOK_AGAIN_MS = 1_000;

/** The fleet as it is known now: nobody is asked. */
export async function knownFleet({ fleet, health }: EngineParts): Promise<KnownInstance[]> {
  return (await fleet.known()).map((instance) => {
    const { name, protocol, tags } = instance;
    return { instance: name, state: health.of(instance).state, protocol, tags };
  });
}

/**
 * Tells of each change from now on, whichever process of this machine makes it, until it is stopped or the
 * engine is closed. Of what a viewer may not see it is told no more than that it is gone.
 */
export function watchChanges(
  parts: EngineParts,
  listener: (change: EngineChange) => void,
  viewer: Viewer,
): () => void {
  const runs = new RunChanges(parts.clock.now());
  const stops = [
    parts.store.watch(RUNS, ({ key, value }) => {
      const run = value === undefined ? undefined : (JSON.parse(value) as Run);
      if (!run || isVisible(run, viewer)) listener(runs.next(key.slice(RUNS.length), run));
    }),
    parts.store.watch(SESSIONS, ({ key, value }) => {
      const session = value === undefined ? undefined : (JSON.parse(value) as Session);
      if (!session || isVisible(session, viewer))
        listener(sessionChange(key.slice(SESSIONS.length), session));
    }),
    watchFleet(parts, () => listener({ kind: "fleet" })),
  ];
  const stopAll = () => {
    for (const stop of stops) stop();
  };
  const forget = parts.leaving.onCancel(stopAll);
  return () => {
    forget();
    stopAll();
  };
}

/** Tells what of a run is news. */
class RunChanges {
  /** When the newest run was made that is known. */
  #newestAt: number;
  readonly #ended = new Map<string, Set<string>>();

  constructor(now: number) {
    this.#newestAt = now - 1;
  }

  /** @param run As it is written now; `undefined` for one that is gone. */
  next(runId: string, run: Run | undefined): EngineChange {
    if (!run) {
      this.#ended.delete(runId);
      return { kind: "run", runId, ended: [], listed: true };
    }
    const isNew = run.createdAt > this.#newestAt;
    if (isNew) this.#newestAt = run.createdAt;
    const isPart = run.partOf !== undefined || run.sessionId !== undefined;
    return { kind: "run", runId, ended: this.#newlyEnded(run), listed: isNew && !isPart };
  }

  #newlyEnded({ runId, outcomes, endedAt }: Run): string[] {
    const told = this.#ended.get(runId) ?? new Set();
    const ended = outcomes
      .filter((outcome) => outcome.endedAt !== undefined && !told.has(outcome.instance))
      .map(({ instance }) => instance);
    if (endedAt !== undefined) this.#ended.delete(runId);
    else this.#ended.set(runId, new Set([...told, ...ended]));
    return ended;
  }
}

function sessionChange(sessionId: string, session: Session | undefined): EngineChange {
  const listed = !session || session.closedAt !== undefined || session.seq === 0;
  return { kind: "session", sessionId, listed };
}

/** Members come and go, a configuration changes and health with every call: what they come to is compared. */
function watchFleet(parts: EngineParts, listener: () => void): () => void {
  let before: string | undefined;
  let stopTimer = () => {};
  let isStopped = false;
  const look = async () => {
    // While the configuration is wrong there is no fleet to tell of.
    const now = await knownFleet(parts).then(JSON.stringify, () => before);
    if (isStopped) return;
    if (before !== undefined && now !== before) listener();
    before = now;
    stopTimer = parts.clock.after(LOOK_AGAIN_MS, () => void look());
  };
  void look();
  return () => {
    isStopped = true;
    stopTimer();
  };
}
