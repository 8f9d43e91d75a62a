import type { HistoryAnswer, Page, SendAnswer, SessionView } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type {
  SessionsCloseInput,
  SessionsHistoryInput,
  SessionsListInput,
  SessionsSendInput,
} from "../core/requests.ts";
import type { Session } from "../core/session.ts";
import type { Work } from "./attempt.ts";
import { failure } from "./delegate.ts";
import { deliver } from "./deliver.ts";
import { waited } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import type { LinePlace } from "./session-line.ts";
import { endTurn, type Turn, takeTurn } from "./session-turns.ts";
import { messageView, sessionView } from "./views.ts";

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
  const { session } = await parts.records.open(input.sessionId);
  authorize(parts, session, input.token);
  const owner = await ownerOf(parts, session);
  const timeoutMs = input.timeout ?? settings.timeoutMs;
  const { open, ended } = parts.live.start(
    {
      operation: "sessions_send",
      sessionId: session.sessionId,
      deadlineAt: clock.now() + timeoutMs,
      createdBy: context.createdBy,
      explanation: { order: [owner.name], excluded: [] },
      outcomes: [{ instance: owner.name, delivery: "not_sent", reply: "pending" }],
    },
    context,
    async (run) => {
      try {
        await place.turn(run.cancellation);
        const turn = await takeTurn(parts, session, input.data, run);
        await converse(parts, owner, turn, run, context.hops ?? 0);
      } finally {
        place.leave();
      }
    },
  );
  const over = await waited(clock, ended, { waitMs: input.wait ?? settings.waitMs, timeoutMs });
  return sendAnswer(session.sessionId, owner, open, over);
}

/** Sends the message whose turn it is, and gives the turn back. */
async function converse(
  parts: EngineParts,
  owner: Instance,
  turn: Turn,
  run: OpenRun,
  hops: number,
): Promise<void> {
  const { session, message } = turn;
  const work: Work = {
    hops,
    payloadFor: () => message.data,
    send: (client, call) => client.message(session.remoteId, session.epoch, message.seq, call),
  };
  try {
    await deliver(parts, run, [owner], work, { retries: parts.settings().retries, idempotent: false });
  } finally {
    await run.tell(endTurn(parts, turn, run));
  }
}

function sendAnswer(sessionId: string, owner: Instance, open: OpenRun, over: boolean): SendAnswer {
  const { run, warnings } = open;
  const outcome = run.outcomes[0];
  if (over && outcome?.reply !== "done") throw failure(open);
  return {
    runId: run.runId,
    sessionId,
    instance: owner.name,
    ...(run.seq !== undefined && { seq: run.seq }),
    delivery: outcome?.delivery ?? "not_sent",
    reply: over ? "done" : "pending",
    ...(over && { result: outcome?.result ?? null }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

async function ownerOf({ fleet }: EngineParts, session: Session): Promise<Instance> {
  const { picked } = await fleet.select([session.instance]);
  const owner = picked.find(({ name, origin }) => name === session.instance && origin === session.origin);
  if (owner) return owner;
  throw new OrchestratorError(
    "instance_down",
    `Session ${session.sessionId} is owned by ${session.instance} at ${session.origin}, which is not in the fleet.`,
    {
      instance: session.instance,
      delivery: "not_sent",
      action: "Bring that instance back, or close the session and spawn another; the transcript is kept.",
    },
  );
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
): Promise<Page<SessionView>> {
  const sessions = await records.list(input);
  const last = sessions.at(-1);
  return {
    items: sessions.map(sessionView),
    ...(sessions.length === input.limit && last && { next: last.sessionId }),
  };
}

/** The transcript of a session, also of a closed one. */
export async function sessionHistory(
  parts: EngineParts,
  input: SessionsHistoryInput,
): Promise<HistoryAnswer> {
  const stored = await parts.records.find(input.sessionId);
  if (!stored) throw new OrchestratorError("session_not_found", `Session ${input.sessionId} does not exist.`);
  const { session } = stored;
  authorize(parts, session, input.token);
  const transcript = await parts.records.transcript(session, input);
  const last = transcript.at(-1);
  return {
    ...sessionView(session),
    transcript: transcript.map(messageView),
    ...(last && last.seq < session.seq && { next: last.seq }),
  };
}

/** Closes a session: its transcript stays readable, and its owner is told to forget it. */
export async function closeSession(parts: EngineParts, input: SessionsCloseInput): Promise<SessionView> {
  const { session } = await parts.records.open(input.sessionId);
  authorize(parts, session, input.token);
  const closed = await parts.records.update(session.sessionId, (now) =>
    now.uid === session.uid && now.closedAt === undefined
      ? { ...now, closedAt: parts.clock.now() }
      : undefined,
  );
  if (closed) await parts.records.expireTranscript(closed);
  const { picked } = await parts.fleet.select([session.instance]);
  const owner = picked.find(({ origin }) => origin === session.origin);
  // An owner that cannot be told has nothing left to forget, or will let it go when it is reaped.
  if (owner)
    await parts.clients
      .of(owner)
      .closeSession(session.remoteId)
      .catch(() => {});
  return sessionView(closed ?? session);
}
