import { OrchestratorError } from "../core/errors.ts";

/** One server-sent event. */
export interface Message {
  event: string;
  data: string;
  /** The last id that was sent, with this event or before it. */
  id: string;
}

/** Reads server-sent events as their bytes arrive (HTML Standard, 9.2.6). `retry` is left out. */
export class SseReader {
  readonly #decoder = new TextDecoder();
  readonly #limit: number;
  /** A line that is not whole yet. */
  #rest = "";
  #event = "";
  #data: string[] = [];
  #size = 0;
  #id = "";

  /** @param limit Most characters of one event. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * The events that are whole with this chunk.
   *
   * @throws OrchestratorError `payload_too_large` for an event beyond the limit.
   */
  push(chunk: Uint8Array): Message[] {
    const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const messages = lines.flatMap((line) => this.#line(line) ?? []);
    if (this.#size + this.#rest.length > this.#limit) {
      throw new OrchestratorError("payload_too_large", `An event is larger than ${this.#limit} characters.`);
    }
    return messages;
  }

  #line(line: string): Message | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    }
    return undefined;
  }

  #dispatch(): Message | undefined {
    const message = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    return isEmpty ? undefined : message;
  }
}
