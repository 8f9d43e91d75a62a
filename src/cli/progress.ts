import type { ProgressEvent } from "../core/run-answers.ts";
import { LiveArea } from "./live-area.ts";
import { paintReplies } from "./outcome-table.ts";
import { say } from "./output.ts";
import { table } from "./table.ts";
import { span } from "./text.ts";

const REDRAW_MS = 250;

/** Tells a run's id as soon as it is known, and on a terminal, a line each, how far its instances are. */
export class Progress {
  readonly #area = process.stderr.isTTY ? new LiveArea(process.stderr) : undefined;
  readonly #startedAt = performance.now();
  readonly #rows = new Map<string, { reply: string; elapsedMs?: number }>();
  #timer: NodeJS.Timeout | undefined;
  #told = false;

  /** @param instances Those that are known to work on it. */
  begin(instances: readonly string[] = []): void {
    for (const instance of instances) this.#rows.set(instance, { reply: "pending" });
    if (!this.#area) return;
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  readonly onProgress = ({ runId, instance, reply }: ProgressEvent): void => {
    this.tellRun(runId);
    this.set(instance, reply);
  };

  set(instance: string, reply: string, elapsedMs = performance.now() - this.#startedAt): void {
    this.#rows.set(instance, reply === "pending" ? { reply } : { reply, elapsedMs });
    this.#draw();
  }

  tellRun(runId: string | undefined): void {
    if (this.#told || runId === undefined) return;
    this.#told = true;
    this.say(`run ${runId}`);
  }

  /** Says something above its lines. */
  say(text: string): void {
    this.#area?.clear();
    say(text);
    this.#draw();
  }

  /** Takes its lines away. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#area?.clear();
  }

  #draw(): void {
    if (this.#timer === undefined) return;
    const soFar = performance.now() - this.#startedAt;
    const rows = Array.from(this.#rows, ([instance, { reply, elapsedMs }]) => [
      instance,
      reply,
      span(elapsedMs ?? soFar),
    ]);
    // Who comes next is not known before it has ended there.
    if (!rows.some(([, reply]) => reply === "pending" || reply === "done"))
      rows.push(["…", "pending", span(soFar)]);
    this.#area?.draw(table(rows).split("\n"), (line) => paintReplies(line, process.stderr));
  }
}
