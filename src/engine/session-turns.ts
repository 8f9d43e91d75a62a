import { OrchestratorError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Clock, Processes } from "../core/ports.ts";
import type { SessionsSendInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { Message, Session } from "../core/session.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { SessionRecords } from "./session-records.ts";
import { sleep } from "./sleep.ts";

/** How often a waiting sender looks whether the holder of the turn has died. */
const LOOK_AGAIN_MS = 1_000;
/** How soon a turn that could not be given back is given back again, and for how long: two hours. */
const RETURN_AGAIN_MS = 500;
const LONGEST_RETURN_MS = 30_000;
const MOST_RETURNS = 250;

export interface TurnDependencies {
  clock: Clock;
  processes: Processes;
  records: SessionRecords;
  live: LiveRuns;
}

/** What is to be sent, and whether it waits while others are answered. */
export type TurnInput = Pick<SessionsSendInput, "data" | "queue">;

type Holder = NonNullable<Session["turn"]>;

/** The right to send the next message of a session: one holder at a time, over all processes. */
export interface Turn {
  session: Session;
  message: Message;
}

/**
 * Waits for the turn and takes it: the message is in the transcript, pending, before it is sent. A turn
 * whose holder has died is taken over; its message stays, marked as of unknown delivery.
 *
 * @throws OrchestratorError `session_not_found` when the session is closed by then; `session_busy` when
 * somebody else has the turn and `input` says not to queue.
 */
export async function takeTurn(
  deps: TurnDependencies,
  session: Session,
  input: TurnInput,
  open: OpenRun,
): Promise<Turn> {
  // Who holds a turn has a run that others can see and take over: they fence it off and end its turn.
  await open.stored();
  const take = () => tryTurn(deps, session, input, open);
  const turn = await take();
  if (turn) return turn;
  let changed = false;
  let wake = () => {};
  const stop = deps.records.watch(session.sessionId, () => {
    changed = true;
    void wake();
  });
  try {
    for (;;) {
      changed = false;
      const turn = await take();
      if (turn) return turn;
      if (changed) continue;
      await new Promise<void>((resolve) => {
        const end = () => {
          stopTimer();
          forget();
          resolve();
        };
        let forget = () => {};
        const stopTimer = deps.clock.after(LOOK_AGAIN_MS, end);
        forget = open.cancellation.onCancel(end);
        wake = end;
      });
    }
  } finally {
    stop();
  }
}

/** Takes the turn if nobody has it. */
async function tryTurn(
  deps: TurnDependencies,
  { sessionId, uid }: Session,
  { data, queue }: TurnInput,
  open: OpenRun,
): Promise<Turn | undefined> {
  const { clock, processes, records } = deps;
  open.cancellation.throwIfCancelled();
  const { session, version } = await records.open(sessionId, uid);
  const { turn } = session;
  if (turn && isHeld(deps, turn)) {
    if (queue) return undefined;
    throw sessionBusy(session);
  }
  if (turn) await markLost(records, session, turn);
  const { runId } = open.run;
  const seq = session.seq + 1;
  const taken: Session = { ...session, seq, turn: { runId, processId: processes.self, seq } };
  if (!(await records.put(taken, version))) return undefined;
  open.run.seq = seq;
  const message: Message = {
    seq,
    runId,
    instance: session.instance,
    epoch: session.epoch,
    at: clock.now(),
    data,
    delivery: "not_sent",
    reply: "pending",
  };
  try {
    await records.putMessage(session, message);
  } catch (error) {
    await returnTurn(deps, { session: taken, message }, open);
    throw error;
  }
  return { session: taken, message };
}

/** What is said to who will not queue. */
export function sessionBusy({ sessionId, instance, turn }: Session): OrchestratorError {
  const what = turn ? `message ${turn.seq} (run ${turn.runId})` : "another message";
  return new OrchestratorError(
    "session_busy",
    `Session ${sessionId} is busy: ${instance} is answering ${what}.`,
    {
      instance,
      delivery: "not_sent",
      action: "Send again when it is answered, or leave queue out: then the message waits for its turn.",
    },
  );
}

/**
 * Gives the turn back and writes what became of the message. One that certainly was not sent leaves
 * the transcript as it was; one of unknown delivery stays, marked, and blocks nobody. Where the turn
 * has been taken over, nothing is written. What cannot be written now is told, and tried again.
 */
export async function returnTurn(deps: TurnDependencies, turn: Turn, open: OpenRun): Promise<void> {
  const { run } = open;
  // Who has taken the run over ends its turn too.
  if (open.lost && run.attempts.length > 0) return;
  const { session, message } = turn;
  try {
    await end(deps.records, session, message.seq, run);
  } catch (error) {
    await open.tell(Promise.reject(error));
    void returnLater(deps, turn, run);
  }
}

/** Others wait for this turn for as long as this process lives. */
async function returnLater(
  { clock, records }: TurnDependencies,
  { session, message }: Turn,
  run: Run,
): Promise<void> {
  for (let tries = 0; tries < MOST_RETURNS; tries++) {
    await sleep(clock, Math.min(RETURN_AGAIN_MS * 2 ** tries, LONGEST_RETURN_MS));
    try {
      return await end(records, session, message.seq, run);
    } catch {
      // The caller has been told; the store may come back.
    }
  }
}

/**
 * Ends the turn of a run that this process has taken over and followed to its end, if the turn is still
 * that run's: a message that somebody has marked meanwhile stays as it is marked.
 */
export async function endRecoveredTurn({ records }: TurnDependencies, run: Run): Promise<void> {
  const { sessionId, runId } = run;
  const stored = sessionId === undefined ? undefined : await records.find(sessionId);
  const turn = stored?.session.turn;
  // The run was written before it took the turn, and may not have been since: the turn knows its number.
  if (stored && turn?.runId === runId) await end(records, stored.session, turn.seq, run);
}

async function end(records: SessionRecords, session: Session, seq: number, run: Run): Promise<void> {
  const { runId } = run;
  const outcome = run.outcomes.findLast(({ delivery }) => delivery !== "not_sent");
  const settled = await records.settle(session, { seq, runId }, outcome);
  // A number is used again only once its message is deleted: somebody may have marked it, and a process
  // that was stopped may yet write it.
  const unused = outcome === undefined && settled;
  const now = await giveBack(records, session, runId, unused, outcome);
  if (now?.closedAt !== undefined) await records.expireTranscript(now);
}

function giveBack(
  records: SessionRecords,
  { sessionId, uid }: Session,
  runId: string,
  unused: boolean,
  answered: Outcome | undefined,
): Promise<Session | undefined> {
  return records.update(sessionId, ({ turn, ...rest }) => {
    if (rest.uid !== uid || turn?.runId !== runId) return undefined;
    const isOwner = answered?.instance === rest.instance && answered.origin === rest.origin;
    const remoteId = (isOwner && answered.remoteId) || rest.remoteId;
    return { ...rest, remoteId, seq: unused ? rest.seq - 1 : rest.seq };
  });
}

function isHeld({ processes, live }: Pick<TurnDependencies, "processes" | "live">, turn: Holder): boolean {
  // A turn of this very process without its run is one that could not be given back.
  return turn.processId === processes.self
    ? live.find(turn.runId) !== undefined
    : !processes.isGone(turn.processId);
}

async function markLost(records: SessionRecords, session: Session, turn: Holder): Promise<void> {
  const { runId } = turn;
  const error = new OrchestratorError(
    "interrupted",
    "The process that sent this message ended before the reply came.",
    { delivery: "unknown", runId, action: "Read its run with runs_get before you send the message again." },
  );
  await records.settle(session, turn, { delivery: "unknown", reply: "none", error: error.toBody() });
}
