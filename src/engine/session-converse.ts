import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Answer } from "../core/ports.ts";
import type { Session } from "../core/session.ts";
import type { Work } from "./attempt.ts";
import { deliver } from "./deliver.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { historyOf } from "./session-history.ts";
import { type Downfall, moveSession } from "./session-move.ts";
import { findOwner, ownerDown, whyDown } from "./session-owner.ts";
import { returnTurn, type Turn } from "./session-turns.ts";

/**
 * Sends the message whose turn it is to the session's owner, and gives the turn back. Where the owner is
 * down, was certainly not sent the message, and the session may migrate, it is moved first.
 */
export async function converse(parts: EngineParts, turn: Turn, run: OpenRun, hops: number): Promise<void> {
  try {
    await sendOrMove(parts, turn, run, hops);
  } finally {
    await returnTurn(parts, turn, run);
  }
}

async function sendOrMove(parts: EngineParts, turn: Turn, run: OpenRun, hops: number): Promise<void> {
  const { message } = turn;
  const down = new Set<string>();
  let { session } = turn;
  for (const { instance, origin } of run.run.outcomes) {
    if (instance !== session.instance) pass(run, { instance, origin }, movedAway(session));
  }
  run.run.explanation = { order: [session.instance], excluded: [] };
  for (;;) {
    const owner = await findOwner(parts, session);
    const why = await whyDown(parts, session, owner);
    const downfall =
      owner && why === undefined
        ? await sendTo(parts, owner, { ...turn, session }, run, hops)
        : { why: why ?? "", forgot: false };
    if (!downfall) return;
    if (session.onInstanceDown !== "migrate" || down.has(session.instance)) {
      throw ownerDown(session, downfall.why);
    }
    run.cancellation.throwIfCancelled();
    pass(run, session, ownerDown(session, downfall.why));
    down.add(session.instance);
    session = await moveSession(parts, { session, message }, run, downfall, down);
  }
}

const NO_HISTORY = { messages: [] };

/** Delivers to the owner; why it is down, if that is why the message was certainly not sent. */
async function sendTo(
  parts: EngineParts,
  owner: Instance,
  { session, message }: Turn,
  run: OpenRun,
  hops: number,
): Promise<Downfall | undefined> {
  const { sessionId, uid, remoteId, epoch, onInstanceDown } = session;
  const outcome = begun(run, owner);
  let forgot = false;
  const work: Work = {
    hops,
    payloadFor: () => message.data,
    send: async (client, call) => {
      const { messages: history } = client.replays ? await historyOf(parts.records, session) : NO_HISTORY;
      const answer = await client.message(remoteId, epoch, message.seq, { ...call, history });
      forgot = hasForgotten(answer);
      // What may move does not wait for its owner to come back.
      return onInstanceDown === "migrate" && answer.delivery === "not_sent" && answer.unreachable
        ? { ...answer, again: "never" }
        : answer;
    },
  };
  await deliver(parts, run, [owner], work, { retries: parts.settings().retries, idempotent: false });
  if (!forgot && !isDown(outcome)) return undefined;
  // Where the session was closed meanwhile, nothing is wrong with its owner.
  await parts.records.open(sessionId, uid);
  const why = forgot ? `${owner.name} no longer knows the session` : (outcome.error?.message ?? "");
  outcome.error = ownerDown(session, why).toBody();
  return { why, forgot };
}

/** One that has ended begins anew when its instance has been given the session once more. */
function begun(run: OpenRun, owner: Instance): Outcome {
  const outcome = run.outcomeAt(owner);
  outcome.origin = owner.origin;
  if (outcome.endedAt !== undefined) {
    outcome.reply = "pending";
    delete outcome.endedAt;
    delete outcome.error;
  }
  return outcome;
}

/** Ends the outcome at an instance that is not asked. */
function pass(
  run: OpenRun,
  { instance, origin }: Pick<Outcome, "instance" | "origin">,
  error: OrchestratorError,
): void {
  const outcome = run.outcomeAt({ name: instance, origin: origin ?? "" });
  if (outcome.endedAt === undefined)
    run.end(outcome, { delivery: "not_sent", reply: "none", again: "never", error });
}

function movedAway({ sessionId, instance }: Session): OrchestratorError {
  return new OrchestratorError(
    "conflict",
    `Session ${sessionId} moved to ${instance} before this message's turn.`,
  );
}

function hasForgotten(answer: Answer): boolean {
  return answer.delivery === "not_sent" && answer.error.code === "session_not_found";
}

function isDown({ delivery, error }: Outcome): boolean {
  return delivery === "not_sent" && error?.code === "instance_down";
}
