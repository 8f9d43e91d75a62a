import type { HistoryAnswer, Page, SendAnswer, SessionView } from "../core/answers.ts";
import type { CallContext, Viewer } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type {
  SessionsCloseInput,
  SessionsHistoryInput,
  SessionsListInput,
  SessionsSendInput,
} from "../core/requests.ts";
import type { Message, Session } from "../core/session.ts";
import { failure } from "./delegate.ts";
import type { EngineParts } from "./parts.ts";
import { type Performed, perform } from "./perform.ts";
import { converse } from "./session-converse.ts";
import type { LinePlace } from "./session-line.ts";
import { findOwner } from "./session-owner.ts";
import { remoteTranscript } from "./session-remote.ts";
import { sessionBusy, takeTurn } from "./session-turns.ts";
import { survivesExit } from "./survival.ts";
import { messageView, moveView, sessionView, usageOf } from "./views.ts";
import { isVisible } from "./visibility.ts";

/** Sessions that are read at once where not all of them may be seen. */
const SCAN_PAGE = 200;

/**
 * Sends one message to a session's owner, in strict order with all other sends to it, and returns the
 * reply, or a handle when the wait is over first.
 */
export async function sendToSession(
  parts: EngineParts,
  input: SessionsSendInput,
  context: CallContext,
): Promise<SendAnswer> {
  // The place in line is that of the call, whatever has to be looked up first.
  const place = parts.lines.join(input.sessionId);
  try {
    return await sendInTurn(parts, input, context, place);
  } catch (error) {
    place.leave();
    throw error;
  }
}

async function sendInTurn(
  parts: EngineParts,
  input: SessionsSendInput,
  context: CallContext,
  place: LinePlace,
): Promise<SendAnswer> {
  const { clock } = parts;
  const settings = parts.settings();
  const session = await foundSession(parts, input, context);
  const { sessionId, uid, instance, origin } = session;
  const timeoutMs = input.timeout ?? settings.timeoutMs;
  const performed = await perform(
    parts,
    {
      input,
      facts: {
        caller: context.createdBy,
        operation: "sessions_send",
        work: { session: uid, data: input.data },
      },
      waitMs: input.wait ?? settings.waitMs,
      timeoutMs,
      prepare: async () => {
        await parts.records.open(sessionId, uid);
        return {
          run: {
            operation: "sessions_send",
            sessionId,
            deadlineAt: clock.now() + timeoutMs,
            createdBy: context.createdBy,
            explanation: { order: [instance], excluded: [] },
            outcomes: [{ instance, origin, delivery: "not_sent", reply: "pending" }],
          },
          work: async (run) => {
            try {
              if (!input.queue && !place.first) throw sessionBusy(session);
              await place.turn(run.cancellation);
              const turn = await takeTurn(parts, session, input, run);
              await converse(parts, turn, run, context.hops ?? 0);
            } finally {
              place.leave();
            }
          },
        };
      },
    },
    context,
  );
  // Nothing is sent for a call that an earlier run answers.
  if (!performed.open) place.leave();
  return sendAnswer(parts, session, performed);
}

/** @throws OrchestratorError why it failed. */
export function sendAnswer(
  parts: EngineParts,
  { sessionId, instance }: Pick<Session, "sessionId" | "instance">,
  { run, warnings, over }: Performed,
): SendAnswer {
  const outcome = run.outcomes.findLast(({ delivery }) => delivery !== "not_sent") ?? run.outcomes.at(-1);
  if (over && outcome?.reply !== "done") throw failure(run);
  return {
    runId: run.runId,
    sessionId,
    instance: outcome?.instance ?? instance,
    ...(run.seq !== undefined && { seq: run.seq }),
    delivery: outcome?.delivery ?? "not_sent",
    reply: over ? "done" : "pending",
    ...usageOf(run),
    ...(over ? { result: outcome?.result ?? null } : { survivesExit: survivesExit(parts, run) }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

/** A session that the caller may use, open or closed. */
async function foundSession(
  parts: EngineParts,
  { sessionId, token }: { sessionId: string; token?: string | undefined },
  viewer: Viewer,
): Promise<Session> {
  const stored = await parts.records.find(sessionId);
  // Its token opens a session to whoever has it.
  if (!stored || (token === undefined && !isVisible(stored.session, viewer)))
    throw new OrchestratorError("session_not_found", `Session ${sessionId} does not exist.`);
  authorize(parts, stored.session, token);
  return stored.session;
}

/** A token is not needed by those who may call at all, but a wrong one is refused. */
function authorize({ ids }: EngineParts, session: Session, token: string | undefined): void {
  if (token === undefined || ids.hash(token) === session.tokenHash) return;
  throw new OrchestratorError("forbidden", `token: this is not the token of session ${session.sessionId}.`, {
    action: "Use the token that sessions_spawn returned for this session, or leave it out.",
  });
}

/** The stored sessions, open and closed. */
export async function listSessions(
  { records }: EngineParts,
  input: SessionsListInput,
  viewer: Viewer,
): Promise<Page<SessionView>> {
  const found = await visibleSessions(records, { ...input, limit: input.limit + 1 }, viewer);
  const sessions = found.slice(0, input.limit);
  const last = sessions.at(-1);
  return {
    items: sessions.map(sessionView),
    ...(found.length > sessions.length && last && { next: last.sessionId }),
  };
}

async function visibleSessions(
  records: EngineParts["records"],
  { limit, after }: SessionsListInput,
  viewer: Viewer,
): Promise<Session[]> {
  if (viewer.only === undefined) return records.list({ limit, after });
  const sessions: Session[] = [];
  for (let from = after; ; ) {
    const page = await records.list({ limit: SCAN_PAGE, after: from });
    sessions.push(...page.filter((session) => isVisible(session, viewer)));
    from = page.at(-1)?.sessionId;
    if (page.length < SCAN_PAGE || sessions.length >= limit) return sessions.slice(0, limit);
  }
}

/** The transcript of a session, also of a closed one. */
export async function sessionHistory(
  parts: EngineParts,
  input: SessionsHistoryInput,
  viewer: Viewer,
): Promise<HistoryAnswer> {
  const session = await foundSession(parts, input, viewer);
  const transcript = await parts.records.transcript(session, input);
  const last = transcript.at(-1);
  const isLast = !last || last.seq >= session.seq;
  return {
    ...sessionView(session),
    transcript: withMoves(session, transcript, { after: input.after ?? 0, isLast }),
    ...(!isLast && { next: last.seq }),
    ...(input.remote && { remote: await remoteTranscript(parts, session) }),
  };
}

/** A page of messages, each after the moves that came before it; the last page ends with the rest of them. */
function withMoves(
  { moves = [] }: Session,
  messages: readonly Message[],
  { after, isLast }: { after: number; isLast: boolean },
): HistoryAnswer["transcript"] {
  const rest = moves.filter(({ afterSeq }) => afterSeq >= after);
  const entries: HistoryAnswer["transcript"] = [];
  for (const message of messages) {
    while (rest[0] && rest[0].afterSeq < message.seq) entries.push(...rest.splice(0, 1).map(moveView));
    entries.push(messageView(message));
  }
  return isLast ? [...entries, ...rest.map(moveView)] : entries;
}

/** Closes a session: its transcript stays readable, and its owner is told to forget it. */
export async function closeSession(
  parts: EngineParts,
  input: SessionsCloseInput,
  viewer: Viewer,
): Promise<SessionView> {
  await foundSession(parts, input, viewer);
  const { session } = await parts.records.open(input.sessionId);
  const closed = await parts.records.update(session.sessionId, (now) =>
    now.uid === session.uid && now.closedAt === undefined
      ? { ...now, closedAt: parts.clock.now() }
      : undefined,
  );
  if (closed) await parts.records.expireTranscript(closed);
  await Promise.all(
    [session, ...(session.moves ?? []).map(({ from }) => from)].map((each) => forget(parts, each)),
  );
  return sessionView(closed ?? session);
}

/** An owner that cannot be told has nothing left to forget, or will let it go when it is reaped. */
async function forget(
  parts: EngineParts,
  { instance, origin, remoteId }: Pick<Session, "instance" | "origin" | "remoteId">,
): Promise<void> {
  const owner = await findOwner(parts, { instance, origin });
  if (owner)
    await parts.clients
      .of(owner)
      .closeSession(remoteId)
      .catch(() => {});
}
