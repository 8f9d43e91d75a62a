import { OrchestratorError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Clock, Processes } from "../core/ports.ts";
import type { Message, Session } from "../core/session.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { SessionRecords } from "./session-records.ts";
import { sleep } from "./sleep.ts";

/** How often a waiting sender looks whether the holder of the turn has died. */
const LOOK_AGAIN_MS = 1_000;

export interface TurnDependencies {
  clock: Clock;
  processes: Processes;
  records: SessionRecords;
  live: LiveRuns;
}

/** The right to send the next message of a session: one holder at a time, over all processes. */
export interface Turn {
  session: Session;
  message: Message;
}

/**
 * Waits for the turn and takes it: the message is in the transcript, pending, before it is sent. A turn
 * whose holder has died is taken over; its message stays, marked as of unknown delivery.
 */
export async function takeTurn(
  deps: TurnDependencies,
  sessionId: string,
  data: Json,
  open: OpenRun,
): Promise<Turn> {
  const { clock, processes, records } = deps;
  for (;;) {
    open.cancellation.throwIfCancelled();
    const { session, version } = await records.open(sessionId);
    if (session.turn && isHeld(deps, session.turn)) {
      await turnChange(deps, sessionId, open);
      continue;
    }
    const seq = session.seq + 1;
    const taken: Session = {
      ...session,
      seq,
      turn: { runId: open.run.runId, processId: processes.self, seq },
    };
    if (!(await records.put(taken, version))) continue;
    if (session.turn) await markLost(records, session);
    open.run.seq = seq;
    const message: Message = {
      seq,
      runId: open.run.runId,
      instance: session.instance,
      at: clock.now(),
      data,
      delivery: "not_sent",
      reply: "pending",
    };
    await records.putMessage(session, message);
    return { session: taken, message };
  }
}

/**
 * Gives the turn back and writes what became of the message. One that certainly was not sent leaves
 * the transcript as it was; one of unknown delivery stays, marked, and blocks nobody.
 */
export async function endTurn(
  { records }: TurnDependencies,
  { session, message }: Turn,
  open: OpenRun,
): Promise<void> {
  const outcome = open.run.outcomes[0];
  const notSent = !outcome || outcome.delivery === "not_sent";
  if (notSent) await records.deleteMessage(session, message.seq);
  else {
    const { delivery, reply, result, error } = outcome;
    await records.putMessage(session, {
      ...message,
      delivery,
      reply,
      ...(result !== undefined && { result }),
      ...(error && { error }),
    });
  }
  await records.update(session.sessionId, ({ turn, ...rest }) => {
    if (rest.uid !== session.uid || turn?.runId !== message.runId) return undefined;
    return { ...rest, seq: notSent ? rest.seq - 1 : rest.seq };
  });
}

function isHeld({ processes, live }: TurnDependencies, turn: NonNullable<Session["turn"]>): boolean {
  // A turn of this very process without its run is one that could not be given back.
  return turn.processId === processes.self
    ? live.find(turn.runId) !== undefined
    : !processes.isGone(turn.processId);
}

async function turnChange(
  { clock, records }: TurnDependencies,
  sessionId: string,
  open: OpenRun,
): Promise<void> {
  let stop = () => {};
  const changed = new Promise<void>((resolve) => {
    stop = records.watch(sessionId, resolve);
  });
  await Promise.race([changed, sleep(clock, LOOK_AGAIN_MS, open.cancellation)]);
  stop();
}

async function markLost(records: SessionRecords, session: Session): Promise<void> {
  const message = await records.message(session, session.turn?.seq ?? 0);
  if (message?.reply !== "pending") return;
  const error = new OrchestratorError(
    "interrupted",
    "The process that sent this message ended before the reply came.",
    {
      delivery: "unknown",
      runId: message.runId,
    },
  );
  await records.putMessage(session, {
    ...message,
    delivery: "unknown",
    reply: "none",
    error: error.toBody(),
  });
}
