import type { SpawnAnswer } from "../core/answers.ts";
import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { SessionsSpawnInput } from "../core/requests.ts";
import type { Session } from "../core/session.ts";
import { orderByHealth } from "../policy/candidates.ts";
import type { EngineParts } from "./parts.ts";

/** A session as its owner has opened it. */
interface Opened {
  instance: Instance;
  remoteId: string;
}

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
  const opened = await openSomewhere(parts, input, epoch, context.cancellation ?? new Cancellation());
  const { instance, remoteId } = opened;
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
  await keep(parts, session, before?.version ?? 0, opened);
  return { sessionId, instance: instance.name, ...(input.withToken && { token }) };
}

/** Stores a new session; one that cannot be stored is closed again at its owner. */
async function keep(parts: EngineParts, session: Session, version: number, opened: Opened): Promise<void> {
  try {
    for (let base = version; !(await parts.records.put(session, base)); ) {
      const now = await parts.records.find(session.sessionId);
      if (now && now.session.closedAt === undefined) throw exists(now.session);
      // The last message of the closed one before it has just been written.
      base = now?.version ?? 0;
    }
  } catch (error) {
    const client = parts.clients.of(opened.instance);
    await client.closeSession(opened.remoteId).catch(() => {});
    throw error;
  }
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
  cancellation: Cancellation,
): Promise<Opened> {
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
      return { instance, ...(await clients.of(instance).openSession({ sessionId, epoch, cancellation })) };
    } catch (error) {
      cancellation.throwIfCancelled();
      last = OrchestratorError.from(error);
      refusals.push(last.message);
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
