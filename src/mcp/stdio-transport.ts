import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { parseJSONRPCMessage } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { type Line, Lines } from "./lines.ts";
import { isTooDeep, noMessage, notJson, tooLong } from "./refused-line.ts";

/** Larger than any body that the REST API takes. */
const MOST_BYTES = 10 * 1024 * 1024;

/**
 * The SDK's own transport, which also answers what is no message: by itself it is silent, and whoever asked waits in
 * vain; and at a message that is too long it closes the connection, with all that is under way in it.
 */
export class StdioTransport extends StdioServerTransport {
  readonly #lines = new Lines(MOST_BYTES);
  #isClosed = false;

  override _ondata = (chunk: Buffer): void => {
    for (const line of this.#lines.add(chunk)) {
      if (this.#isClosed) return;
      const refused = this.#receive(line);
      if (refused === undefined) continue;
      this.onerror?.(new Error(refused.error.message));
      this.send(refused as JSONRPCMessage).catch(() => {});
    }
  };

  override async close(): Promise<void> {
    this.#isClosed = true;
    await super.close();
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
    this.onmessage?.(message);
    return undefined;
  }
}
