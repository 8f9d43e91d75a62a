import { type JSONRPCMessage, parseJSONRPCMessage, type RequestId } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { Cancellation } from "../core/cancellation.ts";
import { type Line, Lines } from "./lines.ts";
import { isTooDeep, noMessage, notJson, tooLong } from "./refused-line.ts";

/** Larger than any body that the REST API takes. */
const MOST_BYTES = 10 * 1024 * 1024;
/** Whoever writes its requests and closes stdin may still read: for so long they are answered. */
const ANSWERS_MS = 5_000;

/**
 * The SDK's own transport, which also answers what is no message: by itself it is silent, and whoever asked waits in
 * vain; at a message that is too long it closes the connection, with all that is under way in it; and at the end of
 * stdin it drops every answer that is not out yet.
 */
export class StdioTransport extends StdioServerTransport {
  /** Cancelled when stdin has ended: nobody knows whether answers are read from then on. */
  readonly inputEnded = new Cancellation();
  #lastSent: Promise<void> = Promise.resolve();
  readonly #lines = new Lines(MOST_BYTES);
  readonly #unanswered = new Set<RequestId>();
  #isClosed = false;
  #giveUp: NodeJS.Timeout | undefined;

  override _ondata = (chunk: Buffer): void => {
    for (const line of this.#lines.add(chunk)) {
      if (this.#isClosed) return;
      const refused = this.#receive(line);
      if (refused === undefined) continue;
      this.onerror?.(new Error(refused.error.message));
      this.send(refused as JSONRPCMessage).catch(() => {});
    }
  };

  override _onstdinclose = (): void => {
    if (this.inputEnded.error) return;
    // The last line may lack its end.
    this._ondata(Buffer.from("\n"));
    this.inputEnded.cancel();
    this.#giveUp = setTimeout(() => void this.close(), ANSWERS_MS);
    this.#closeIfDone();
  };

  /** One after another: the SDK has a listener for each message that a slow reader keeps waiting, of which Node warns. */
  override async send(message: JSONRPCMessage): Promise<void> {
    const sent = this.#lastSent.then(() => super.send(message));
    this.#lastSent = sent.catch(() => {});
    await sent;
    if ("method" in message || message.id === undefined) return;
    this.#unanswered.delete(message.id);
    this.#closeIfDone();
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#giveUp);
    await super.close();
  }

  #closeIfDone(): void {
    if (this.inputEnded.error && this.#unanswered.size === 0) void this.close();
  }

  /** Passes a message on, or returns the answer to what is none. */
  #receive(line: Line) {
    if (!("text" in line)) return tooLong(line, MOST_BYTES);
    if (line.text.trim() === "") return undefined;
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch (error) {
      return notJson(error);
    }
    let message: JSONRPCMessage;
    if (isTooDeep(value)) return noMessage(value);
    try {
      message = parseJSONRPCMessage(value);
    } catch {
      return noMessage(value);
    }
    this.#mind(message);
    this.onmessage?.(message);
    return undefined;
  }

  /** Keeps count of what is to be answered: neither what is cancelled, nor a subscription, which only ends. */
  #mind(message: JSONRPCMessage): void {
    if (!("method" in message)) return;
    const { method, params } = message;
    if (method === "notifications/cancelled") this.#unanswered.delete(params?.requestId as RequestId);
    else if ("id" in message && method !== "subscriptions/listen") this.#unanswered.add(message.id);
  }
}
