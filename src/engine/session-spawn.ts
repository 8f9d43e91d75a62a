import type { SpawnAnswer } from "../core/answers.ts";
import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { SessionsSpawnInput } from "../core/requests.ts";
import { type Session, TOKEN_PREFIX } from "../core/session.ts";
import { orderByHealth } from "../policy/candidates.ts";
import { beliefs } from "./choose.ts";
import type { EngineParts } from "./parts.ts";
import { type Opened, openAtFirst, shuffled } from "./session-open.ts";

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
  const opened = await inTime(parts, context, (cancellation) =>
    openSomewhere(parts, input, epoch, cancellation),
  );
  const { instance, remoteId } = opened;
  const token = TOKEN_PREFIX + parts.ids.random();
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
    onInstanceDown: input.onInstanceDown,
    ...movesAmong(input, instance.name),
  };
  await keep(parts, session, before?.version ?? 0, opened);
  return { sessionId, instance: instance.name, ...(input.withToken && { token }) };
}

const NO_WORK =
  "No work was given to anybody: check the health of those named, then spawn again or name another one.";

/** Opening one after another may last, but no longer than the caller's face can keep the call open. */
async function inTime<T>(
  { clock }: EngineParts,
  { cancellation, longestWaitMs }: CallContext,
  open: (cancellation: Cancellation) => Promise<T>,
): Promise<T> {
  if (longestWaitMs === undefined) return open(cancellation ?? new Cancellation());
  const either = new Cancellation();
  const forget = cancellation?.onCancel((error) => either.cancel(error));
  const late = new OrchestratorError(
    "timeout",
    `No instance opened the session within ${longestWaitMs} ms.`,
    {
      delivery: "not_sent",
      action: "Check the health of the fleet, and name an instance that is well.",
    },
  );
  const stop = clock.after(longestWaitMs, () => either.cancel(late));
  try {
    return await open(either);
  } finally {
    stop();
    forget?.();
  }
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

/** Who named one instance asked for a place to begin at; who gave a selector said who may ever own it. */
function movesAmong({ instance: selector }: SessionsSpawnInput, owner: string): Pick<Session, "mayMoveTo"> {
  if (selector === undefined || [selector].flat().join() === owner) return {};
  return { mayMoveTo: selector };
}

async function openSomewhere(
  parts: EngineParts,
  { sessionId, instance: selector }: SessionsSpawnInput,
  epoch: number,
  cancellation: Cancellation,
): Promise<Opened> {
  const { fleet, clients, clock, random } = parts;
  const known = await fleet.known();
  // Without a selector any will do, so that not every session lands at the first of the fleet.
  const picked =
    selector === undefined
      ? shuffled(await fleet.selectKnown("*"), random)
      : await fleet.selectKnown(selector);
  const { order, excluded } = orderByHealth(picked, known, beliefs(parts), clock.now());
  const opened = await openAtFirst(clients, order, { sessionId, epoch, cancellation });
  if ("instance" in opened) return opened;
  const refusals = [
    ...excluded.map(({ instance, reason }) => `${instance} is ${reason}`),
    ...opened.refusals,
  ];
  throw new OrchestratorError(
    opened.last?.code ?? "instance_down",
    `No instance could open session ${sessionId}: ${refusals.join("; ")}.`,
    {
      delivery: "not_sent",
      action: NO_WORK,
      // What to do is known where only one was asked, unless it speaks of work that may have begun: there is none.
      ...(picked.length === 1 && {
        instance: picked[0]?.name,
        ...(opened.last?.delivery === "not_sent" && { action: opened.last.action }),
      }),
    },
  );
}
