import type { AnsweredMessage, HistoryCounts, Session } from "../core/session.ts";
import type { SessionRecords } from "./session-records.ts";

/** Bytes of JSON that a new owner is given as history. */
const MOST_BYTES = 256 * 1024;

export interface SessionHistory {
  /** The newest answered messages for which there is room, oldest first. */
  messages: AnsweredMessage[];
  counts: HistoryCounts;
}

/**
 * What a session's next owner is told of it. A message without a known answer is left out: it may have
 * been done, and nobody may take it for work.
 */
export async function historyOf(records: SessionRecords, session: Session): Promise<SessionHistory> {
  const messages: AnsweredMessage[] = [];
  const counts: HistoryCounts = { given: 0, unanswered: 0, tooOld: 0 };
  let room = MOST_BYTES;
  for await (const { seq, reply, data, result = null } of records.fromNewest(session)) {
    if (seq === session.turn?.seq) continue;
    if (reply !== "done") {
      counts.unanswered += 1;
      continue;
    }
    const message = { data, result };
    room -= Buffer.byteLength(JSON.stringify(message)) + 1;
    if (room < 0) counts.tooOld += 1;
    else messages.push(message);
  }
  return { messages: messages.reverse(), counts: { ...counts, given: messages.length } };
}
