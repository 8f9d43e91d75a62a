import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Session, SessionMove } from "../core/session.ts";
import { orderByHealth } from "../policy/candidates.ts";
import { beliefs } from "./choose.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { historyOf } from "./session-history.ts";
import { type Opened, openAtFirst, shuffled } from "./session-open.ts";
import { ownerDown } from "./session-owner.ts";
import type { Turn } from "./session-turns.ts";

/** Why a session's owner cannot go on with it. */
export interface Downfall {
  why: string;
  /** It answers, and has forgotten the session: it may be given it again where nobody else can take it. */
  forgot: boolean;
}

/**
 * Moves the session whose turn this is to an instance that is well, with the history as context, and
 * fences the old owner off: from here on the session has another epoch.
 *
 * @param avoid names of instances that were down already in this send.
 * @throws OrchestratorError `instance_down` when nobody can take it; `session_not_found` when it was
 * closed, `conflict` when the turn was lost meanwhile.
 */
export async function moveSession(
  parts: EngineParts,
  { session, message }: Turn,
  open: OpenRun,
  downfall: Downfall,
  avoid: ReadonlySet<string>,
): Promise<Session> {
  const { sessionId, uid, epoch: before } = session;
  const history = await historyOf(parts.records, session);
  const { order, refusals } = await candidatesFor(parts, session, downfall, avoid);
  const opened = await openAtFirst(parts.clients, order, {
    sessionId,
    epoch: before + 1,
    history: history.messages,
    cancellation: open.cancellation,
  });
  if (!("instance" in opened)) throw stuck(session, downfall, [...refusals, ...opened.refusals]);
  const { instance, remoteId } = opened;
  const move: SessionMove = {
    at: parts.clock.now(),
    afterSeq: message.seq - 1,
    from: { instance: session.instance, origin: session.origin, remoteId: session.remoteId },
    to: instance.name,
    epoch: before + 1,
    reason: downfall.why,
    history: history.counts,
  };
  const moved = await parts.records
    .update(sessionId, (now) =>
      now.uid === uid &&
      now.epoch === before &&
      now.turn?.runId === message.runId &&
      now.closedAt === undefined
        ? {
            ...now,
            instance: instance.name,
            origin: instance.origin,
            remoteId,
            epoch: move.epoch,
            moves: [...(now.moves ?? []), move],
          }
        : undefined,
    )
    .catch((error: unknown) => abandon(parts, opened, error));
  if (!moved) return abandon(parts, opened, await whyLost(parts, session));
  await parts.records.readdress(moved, message);
  tell(open, moved, move);
  return moved;
}

async function candidatesFor(
  parts: EngineParts,
  session: Session,
  { forgot }: Downfall,
  avoid: ReadonlySet<string>,
): Promise<{ order: Instance[]; refusals: string[] }> {
  const { fleet, clock, random } = parts;
  const refusals: string[] = [];
  const known = await fleet.known();
  const allowed =
    session.mayMoveTo === undefined
      ? known
      : await fleet.select(session.mayMoveTo).then(
          ({ picked }) => picked,
          (error: unknown) => {
            refusals.push(OrchestratorError.from(error).message);
            return [];
          },
        );
  const isOwner = ({ name, origin }: Instance) => name === session.instance && origin === session.origin;
  const others = allowed.filter((each) => !isOwner(each) && !avoid.has(each.name));
  const { order, excluded } = orderByHealth(shuffled(others, random), known, beliefs(parts), clock.now());
  refusals.push(...excluded.map(({ instance, reason }) => `${instance} is ${reason}`));
  return { order: forgot ? [...order, ...known.filter(isOwner)] : order, refusals };
}

/** Nobody else is to hear of what was opened for nothing. */
async function abandon(
  { clients }: EngineParts,
  { instance, remoteId }: Opened,
  error: unknown,
): Promise<never> {
  await clients
    .of(instance)
    .closeSession(remoteId)
    .catch(() => {});
  throw error;
}

async function whyLost({ records }: EngineParts, { sessionId, uid }: Session): Promise<OrchestratorError> {
  return records.open(sessionId, uid).then(
    () =>
      new OrchestratorError(
        "conflict",
        `The turn of session ${sessionId} was taken over by another process.`,
      ),
    (error: unknown) => OrchestratorError.from(error),
  );
}

function stuck(session: Session, { why }: Downfall, refusals: readonly string[]): OrchestratorError {
  const error = ownerDown(session, why);
  const nobody = refusals.length > 0 ? refusals.join("; ") : "no other instance may own it";
  return new OrchestratorError(error.code, `${error.message} It could not be moved: ${nobody}.`, error);
}

/** Puts the move where the caller and whoever reads the run see it. */
function tell(
  { run, warnings }: OpenRun,
  { sessionId }: Session,
  { from, to, reason, history }: SessionMove,
): void {
  run.explanation = {
    ...run.explanation,
    order: [...run.explanation.order, to],
    excluded: [...run.explanation.excluded, { instance: from.instance, reason: `down: ${reason}` }],
  };
  const { given, unanswered, tooOld } = history;
  warnings.push(
    `Session ${sessionId} moved from ${from.instance} to ${to} (${reason}). It was given ${given} answered messages as history; left out: ${unanswered} without an answer, ${tooOld} too old.`,
  );
}
