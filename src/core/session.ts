import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Selector } from "./selector.ts";

/** What a send does when the session's owner is down: say so, or move the session to another instance. */
export const ON_INSTANCE_DOWN = ["fail", "migrate"] as const;
export type OnInstanceDown = (typeof ON_INSTANCE_DOWN)[number];

/** A session's token shows what it is, so that it is never taken for a server's key. */
export const TOKEN_PREFIX = "ost_";

/** A stateful conversation owned by one instance. Times are epoch milliseconds. */
export interface Session {
  sessionId: string;
  /** Tells this session from an earlier, closed one of the same `sessionId`. */
  uid: string;
  /** SHA-256 of the token, base64url; the token itself is given out once. */
  tokenHash: string;
  instance: string;
  origin: string;
  /** The session's id at its owner, random and never the caller's. */
  remoteId: string;
  /** Counts owners: an answer from an earlier owner carries a lower one. */
  epoch: number;
  createdAt: number;
  createdBy: string;
  closedAt?: number;
  /** Sequence number of the last message. */
  seq: number;
  /** The message being answered now: nobody else may send until it is cleared. */
  turn?: { runId: string; processId: string; seq: number };
  onInstanceDown?: OnInstanceDown;
  /** Who else may own it; any instance unless told otherwise. */
  mayMoveTo?: Selector;
  /** Its earlier owners, the first one first. */
  moves?: SessionMove[];
}

/** The change from one owner to the next, in the transcript between two messages. */
export interface SessionMove {
  at: number;
  /** The last message that the transcript had before. */
  afterSeq: number;
  from: Pick<Session, "instance" | "origin" | "remoteId">;
  to: string;
  /** The session's epoch from here on. */
  epoch: number;
  reason: string;
  history: HistoryCounts;
}

/** How many messages the next owner was given as history, and how many were left out. */
export interface HistoryCounts {
  given: number;
  /** Left out: nobody knows an answer to them. */
  unanswered: number;
  /** Left out: older than what there was room for. */
  tooOld: number;
}

/** A message and its answer, as context for a later one. */
export interface AnsweredMessage {
  data: Json;
  result: Json;
}

/** One message of a transcript with its answer. */
export interface Message {
  seq: number;
  runId: string;
  instance: string;
  /** The session's epoch when it was sent. */
  epoch?: number;
  at: number;
  data: Json;
  delivery: Delivery;
  reply: Reply;
  result?: Json;
  error?: ErrorBody;
}

/** What an instance itself keeps of a session, oldest first: its own words. */
export interface RemoteTranscript {
  messages: RemoteMessage[];
  /** It has left something out. */
  cut?: boolean;
}

export interface RemoteMessage {
  role: string;
  text: string;
  /** Epoch milliseconds. */
  at?: number;
}
