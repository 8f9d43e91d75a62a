import type { HistoryAnswer, Page, SendAnswer, SessionView, SpawnAnswer } from "../core/answers.ts";
import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type {
  SessionsCloseInput,
  SessionsHistoryInput,
  SessionsListInput,
  SessionsSendInput,
  SessionsSpawnInput,
} from "../core/requests.ts";
import type { Session } from "../core/session.ts";
import { orderByHealth } from "../policy/candidates.ts";
import { failure } from "./delegate.ts";
import { deliver } from "./deliver.ts";
import { within } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { endTurn, takeTurn } from "./session-turns.ts";
import { messageView, sessionView } from "./views.ts";

/**
 * Opens a session at one healthy instance and stores who owns it.
 *
 * @throws OrchestratorError `session_exists`, which names the owner.
 */
export async function spawnSession(
  parts: EngineParts,
  input: SessionsSpawnInput,
  context: CallContext,
): Promise<SpawnAnswer> {
  const { sessionId } = input;
  const before = await parts.records.find(sessionId);
  if (before && before.session.closedAt === undefined) throw exists(before.session);
  const epoch = (before?.session.epoch ?? 0) + 1;
  const { instance, remoteId } = await openSomewhere(parts, input, epoch);
  const token = parts.ids.random();
  const session: Session = {
    sessionId,
    uid: parts.ids.random(),
    tokenHash: parts.ids.hash(token),
    instance: instance.name,
    origin: instance.origin,
    remoteId,
    epoch,
    createdAt: parts.clock.now(),
    createdBy: context.createdBy,
    seq: 0,
  };
  if (!(await parts.records.put(session, before?.version ?? 0))) {
    await parts.clients
      .of(instance)
      .closeSession(remoteId)
      .catch(() => {});
    throw exists((await parts.records.open(sessionId)).session);
  }
  return { sessionId, instance: instance.name, ...(input.withToken && { token }) };
}

function exists({ sessionId, instance }: Session): OrchestratorError {
  return new OrchestratorError("session_exists", `Session ${sessionId} is open at ${instance}.`, {
    instance,
    action: `Send to it with sessions_send, or close it with sessions_close and spawn again.`,
  });
}

/** The first candidate that opens the session. Opening is no work: it may be tried at one after another. */
async function openSomewhere(
  parts: EngineParts,
  { sessionId, instance: selector }: SessionsSpawnInput,
  epoch: number,
): Promise<{ instance: Instance; remoteId: string }> {
  const { fleet, health, clients, clock, random } = parts;
  const known = await fleet.known();
  // Without a selector any will do, so that not every session lands at the first of the fleet.
  const picked =
    selector === undefined
      ? shuffled(await fleet.selectKnown("*"), random)
      : await fleet.selectKnown(selector);
  const { order, excluded } = orderByHealth(picked, known, health.of, clock.now());
  const refusals = excluded.map(({ instance, reason }) => `${instance} is ${reason}`);
  let last: OrchestratorError | undefined;
  for (const instance of order) {
    try {
      return {
        instance,
        ...(await clients.of(instance).openSession({ sessionId, epoch, cancellation: new Cancellation() })),
      };
    } catch (error) {
      last = OrchestratorError.from(error);
      refusals.push(`${instance.name}: ${last.message}`);
    }
  }
  throw new OrchestratorError(
    last?.code ?? "instance_down",
    `No instance could open session ${sessionId}. ${refusals.join("; ")}`,
    {
      delivery: "not_sent",
      ...(picked.length === 1 && { instance: picked[0]?.name }),
    },
  );
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/**
 * Sends one message to a session's owner, in strict order with all other sends to it, and returns the
 * reply, or a handle when the wait is over first.
 */
export async function sendToSession(
  parts: EngineParts,
  input: SessionsSendInput,
  context: CallContext,
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
      outcomes: [],
    },
    context,
    async (run) => {
      const turn = await takeTurn(parts, session.sessionId, input.data, run);
      const { remoteId, epoch } = turn.session;
      try {
        await deliver(
          parts,
          run,
          [owner],
          {
            hops: context.hops ?? 0,
            payloadFor: () => input.data,
            send: (client, call) => client.message(remoteId, epoch, turn.message.seq, call),
          },
          { retries: settings.retries, idempotent: false },
        );
      } finally {
        await endTurn(parts, turn, run);
      }
    },
  );
  const over = await within(clock, ended, Math.min(input.wait ?? settings.waitMs, timeoutMs));
  return sendAnswer(session.sessionId, owner, open, over);
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
