import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process that speaks lines of JSON: the first says that it is ready. */
export class Child {
  readonly pid: number;
  readonly ready: Promise<unknown>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<unknown>;
  readonly #process: ChildProcessWithoutNullStreams;
  #stopped = false;
  #gone = false;
  #errors = "";

  constructor(script: string, facts: object, onLine: (line: unknown) => void = () => {}) {
    this.#process = spawn(process.execPath, [script, JSON.stringify(facts)]);
    this.pid = this.#process.pid as number;
    this.ended = once(this.#process, "close").then(() => {
      this.#gone = true;
    });
    this.#process.stdin.on("error", () => {});
    this.#process.stderr.on("data", (chunk) => {
      this.#errors += chunk;
    });
    const lines = createInterface(this.#process.stdout);
    this.ready = Promise.race([
      once(lines, "line").then(([line]) => JSON.parse(line).ready),
      this.ended.then(() => {
        throw new Error(`${script} ended before it was ready: ${this.#errors}`);
      }),
    ]);
    this.ready.catch(() => {});
    lines.on("line", (line) => onLine(JSON.parse(line)));
  }

  /** What it wrote to stderr: nothing, unless it crashed. */
  get errors(): string {
    return this.#errors;
  }

  get running(): boolean {
    return !this.#gone && !this.#stopped;
  }

  say(line: object): void {
    this.#process.stdin.write(`${JSON.stringify(line)}\n`);
  }

  stop(): void {
    this.#stopped = true;
    this.#process.kill("SIGSTOP");
  }

  wake(): void {
    this.#stopped = false;
    this.#process.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended;
  }

  /** Ends its input, which it takes as the order to finish; one that does not within `ms` is killed. */
  async finish(ms: number): Promise<boolean> {
    this.#process.stdin.end();
    const timer = setTimeout(() => void this.#process.kill("SIGKILL"), ms);
    await this.ended;
    clearTimeout(timer);
    return this.#process.signalCode === null;
  }
}
