/** Lines at the end of a terminal that are written over again. */
export class LiveArea {
  readonly #stream: NodeJS.WriteStream;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Lines longer than the terminal is wide are cut: one that wraps could not be found again. */
  draw(lines: readonly string[], painted: (line: string) => string = (line) => line): void {
    // Some terminals say that they have no size.
    const columns = this.#stream.columns || 80;
    const room = Math.max(1, (this.#stream.rows || 24) - 1);
    const shown =
      lines.length <= room
        ? lines
        : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} lines more`];
    const text = shown.map((line) => `${painted(line.slice(0, columns - 1))}\n`).join("");
    this.#stream.write(this.#erasing() + text);
    this.#drawn = shown.length;
  }

  /** Takes the lines away. */
  clear(): void {
    if (this.#drawn > 0) this.#stream.write(this.#erasing());
    this.#drawn = 0;
  }

  #erasing(): string {
    // From the line's beginning: a Ctrl-C has been echoed there.
    return this.#drawn === 0 ? "" : `\r\u001b[${this.#drawn}A\u001b[J`;
  }
}
