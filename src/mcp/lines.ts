const NEWLINE = 10;

/** A line of text, or one that is longer than allowed: then its beginning and its end are all that was kept of it. */
export type Line = { text: string } | { begins: string; ends: string };

/** Of a line that is too long, what was kept of each end of it. */
const KEPT_BYTES = 256;

/** Makes lines of chunks; of a line that is too long next to nothing is held. */
export class Lines {
  readonly #mostBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The lines that a chunk completes. */
  *add(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.#take();
    }
    this.#keep(chunk.subarray(start));
  }

  #keep(part: Buffer): void {
    this.#chunks.push(part);
    this.#bytes += part.length;
    if (this.#bytes > this.#mostBytes) this.#chunks = endsOf(Buffer.concat(this.#chunks));
  }

  #take(): Line {
    const whole = Buffer.concat(this.#chunks);
    const isTooLong = this.#bytes > this.#mostBytes;
    this.#chunks = [];
    this.#bytes = 0;
    if (!isTooLong) return { text: whole.toString("utf8") };
    const [begins, ends] = endsOf(whole).map((part) => part.toString("utf8")) as [string, string];
    return { begins, ends };
  }
}

/** Copies: what they are part of may go. */
function endsOf(bytes: Buffer): [Buffer, Buffer] {
  return [Buffer.from(bytes.subarray(0, KEPT_BYTES)), Buffer.from(bytes.subarray(-KEPT_BYTES))];
}
