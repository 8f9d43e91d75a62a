import { OrchestratorError } from "../core/errors.ts";
import { writeJson } from "../core/json-text.ts";
import type { Store } from "../core/ports.ts";
import type { Message, Session } from "../core/session.ts";
import { splitAtResult } from "../core/split-result.ts";

/** Closed sessions are kept so long. */
const KEEP_CLOSED_MS = 30 * 86_400_000;

/** Where sessions are stored, by their id. */
export const SESSIONS = "session/";
/** Messages that are read at once. */
const PAGE = 100;

/** What became of a message. */
export type MessageEnd = Pick<Message, "delivery" | "reply" | "result" | "error">;

/** A message, and whose it is. */
export type MessageRef = Pick<Message, "seq" | "runId">;

/** A session as it was read, and the version that a change must build on. */
export interface Stored {
  session: Session;
  version: number;
}

/** The stored sessions and their transcripts. */
export class SessionRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async find(sessionId: string): Promise<Stored | undefined> {
    const entry = await this.#store.get(SESSIONS + sessionId);
    return entry && { session: JSON.parse(entry.value) as Session, version: entry.version };
  }

  /**
   * @param uid tells the session from a later one of the same `sessionId`.
   * @throws OrchestratorError `session_not_found`, also when it is closed.
   */
  async open(sessionId: string, uid?: string): Promise<Stored> {
    const stored = await this.find(sessionId);
    const same = uid === undefined || stored?.session.uid === uid;
    if (stored && same && stored.session.closedAt === undefined) return stored;
    const closed = stored ? "is closed" : "does not exist";
    throw new OrchestratorError("session_not_found", `Session ${sessionId} ${closed}.`);
  }

  /** Writes a session if nobody changed it since `version` (0: if there is none); whether it did. */
  async put(session: Session, version: number): Promise<boolean> {
    const written = await this.#store.put(SESSIONS + session.sessionId, JSON.stringify(session), {
      ifVersion: version,
      ...(session.closedAt !== undefined && { expiresAt: session.closedAt + KEEP_CLOSED_MS }),
    });
    return written !== undefined;
  }

  /** Applies a change to the newest state until it is written; `undefined` from `change` leaves it. */
  async update(
    sessionId: string,
    change: (session: Session) => Session | undefined,
  ): Promise<Session | undefined> {
    for (;;) {
      const stored = await this.find(sessionId);
      const next = stored && change(stored.session);
      if (!stored || !next) return undefined;
      if (await this.put(next, stored.version)) return next;
    }
  }

  async list({ limit, after }: { limit: number; after?: string | undefined }): Promise<Session[]> {
    const entries = await this.#store.list(SESSIONS, {
      limit,
      ...(after !== undefined && { after: SESSIONS + after }),
    });
    return entries.map((entry) => JSON.parse(entry.value) as Session);
  }

  /** Calls back whenever the session's record changes; returns what stops it. */
  watch(sessionId: string, listener: () => void): () => void {
    return this.#store.watch(SESSIONS + sessionId, listener);
  }

  /** @param text The message as JSON, where that is at hand. */
  async putMessage(
    { uid, closedAt }: Session,
    message: Message,
    text = JSON.stringify(message),
  ): Promise<void> {
    await this.#store.put(
      messageKey(uid, message.seq),
      text,
      closedAt === undefined ? {} : { expiresAt: closedAt + KEEP_CLOSED_MS },
    );
  }

  /** Has the messages of a closed session expire with it. */
  async expireTranscript(session: Session): Promise<void> {
    for (let after = 0; after < session.seq; ) {
      const page = await this.transcript(session, { limit: 1_000, after });
      for (const message of page) await this.putMessage(session, message, writeJson(message));
      after = page.at(-1)?.seq ?? session.seq;
    }
  }

  /**
   * Writes what became of a pending message, or deletes it where `end` is `undefined`: it was not sent.
   * What was settled before stays as it is, so that nothing is ever added to a message that was given
   * up; whether it was written.
   */
  settle(session: Session, ref: MessageRef, end?: MessageEnd): Promise<boolean> {
    return this.#amend(session, ref, (message) => {
      if (!end) return undefined;
      const { delivery, reply, result, error } = end;
      return {
        ...message,
        delivery,
        reply,
        ...(result !== undefined && { result }),
        ...(error && { error }),
      };
    });
  }

  /** Gives a pending message the session's new owner. */
  readdress(session: Session, ref: MessageRef): Promise<boolean> {
    const { instance, epoch } = session;
    return this.#amend(session, ref, (message) => ({ ...message, instance, epoch }));
  }

  /** Changes a message of this run while it is pending, deleting it for `undefined`; whether it was. */
  async #amend(
    { uid }: Session,
    { seq, runId }: MessageRef,
    change: (message: Message) => Message | undefined,
  ): Promise<boolean> {
    const key = messageKey(uid, seq);
    for (;;) {
      const entry = await this.#store.get(key);
      const message = entry && (JSON.parse(entry.value) as Message);
      if (message?.runId !== runId || message.reply !== "pending") return false;
      const ifVersion = entry?.version ?? 0;
      const changed = change(message);
      const written = changed
        ? (await this.#store.put(key, writeJson(changed), { ifVersion })) !== undefined
        : await this.#store.delete(key, { ifVersion });
      if (written) return true;
    }
  }

  /** The messages from the last one back to the first, a page at a time. */
  async *fromNewest({ uid }: Session): AsyncGenerator<Message> {
    const prefix = `message/${uid}/`;
    for (let after: string | undefined; ; ) {
      const page = await this.#store.list(prefix, {
        limit: PAGE,
        reverse: true,
        ...(after !== undefined && { after }),
      });
      for (const { value } of page) yield JSON.parse(value) as Message;
      if (page.length < PAGE) return;
      after = page.at(-1)?.key;
    }
  }

  async transcript(
    { uid }: Session,
    { limit, after = 0 }: { limit: number; after?: number | undefined },
  ): Promise<Message[]> {
    const entries = await this.#store.list(`message/${uid}/`, { limit, after: messageKey(uid, after) });
    return entries.map(({ value }) => (splitAtResult(value) ?? JSON.parse(value)) as unknown as Message);
  }
}

/** Fixed width, so that keys sort as numbers do. */
function messageKey(uid: string, seq: number): string {
  return `message/${uid}/${String(seq).padStart(12, "0")}`;
}
