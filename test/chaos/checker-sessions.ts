import type { Session } from "../../src/core/session.ts";
import type { Evidence, StoredMessage } from "./evidence.ts";
import { groupBy } from "./group-by.ts";
import type { Find } from "./violation.ts";

/** A message that was executed stays in its transcript, once, with its own reply. */
export function checkTranscripts({ messages, executions, calls }: Evidence, find: Find): void {
  const byCall = groupBy(messages, ({ data }) => (data as { callId: string }).callId);
  for (const { callId, instance, execution } of executions) {
    if (calls.get(callId)?.operation !== "send") continue;
    const written = byCall.get(callId) ?? [];
    if (written.length !== 1)
      find("lost", `${instance} executed ${callId}, which is ${written.length} times in its transcript`);
    const [message] = written;
    if (message && message.instance !== instance)
      find("untrue", `the transcript has ${callId} at ${message.instance}, and ${instance} executed it`);
    if (message?.reply === "done" && (message.result as { execution?: string })?.execution !== execution)
      find("untrue", `the transcript has another reply to ${callId} than ${instance} gave`);
  }
}

/** Each message was its owner's of the time: who was left behind by a move has nothing after it. */
export function checkOwners({ sessions, messages }: Evidence, find: Find): void {
  const transcripts = groupBy(messages, ({ uid }) => uid);
  for (const session of sessions) {
    const say = (problem: string) => find("untrue", `session ${session.sessionId} ${problem}`);
    const owners = ownersOf(session, say);
    let epoch = 0;
    for (const message of transcripts.get(session.uid) ?? []) {
      checkOwner(message, owners, epoch, say);
      epoch = message.epoch ?? 0;
    }
  }
}

function checkOwner(
  { seq, instance, epoch = 0 }: StoredMessage,
  owners: ReadonlyMap<number, string>,
  before: number,
  say: (problem: string) => void,
): void {
  if (epoch < before) say(`has message ${seq} of epoch ${epoch} after one of epoch ${before}`);
  if (owners.get(epoch) !== instance)
    say(`has message ${seq} of epoch ${epoch} at ${instance}, and ${owners.get(epoch)} owned it then`);
}

/** Who owned it in which epoch. */
function ownersOf(
  { instance, epoch, onInstanceDown, moves = [] }: Session,
  say: (problem: string) => void,
): Map<number, string> {
  if (moves.length > 0 && onInstanceDown !== "migrate") say("was not to move and has moved");
  const [first] = moves;
  const owners = new Map([first ? [first.epoch - 1, first.from.instance] : [epoch, instance]]);
  for (const move of moves) {
    if (owners.get(move.epoch - 1) !== move.from.instance || owners.has(move.epoch))
      say(`moved from ${move.from.instance} to epoch ${move.epoch}, and had another owner before`);
    owners.set(move.epoch, move.to);
  }
  if (owners.get(epoch) !== instance) say(`is at ${instance}, and its last move was not to there`);
  return owners;
}
