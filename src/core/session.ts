import type { Delivery, Reply } from "./delivery.ts";
import type { ErrorBody } from "./errors.ts";
import type { Json } from "./json.ts";

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
}

/** One message of a transcript with its answer. */
export interface Message {
  seq: number;
  runId: string;
  instance: string;
  at: number;
  data: Json;
  delivery: Delivery;
  reply: Reply;
  result?: Json;
  error?: ErrorBody;
}
