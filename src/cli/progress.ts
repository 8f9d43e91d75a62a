import type { ProgressEvent } from "../core/run-answers.ts";
import { LiveArea } from "./live-area.ts";
import { paintReplies } from "./outcome-table.ts";
import { say } from "./output.ts";
import { table } from "./table.ts";
import { span } from "./text.ts";

const REDRAW_MS = 250;

/** Tells a run's id as soon as it is known, and on a terminal, a line each, how far its instances or steps are. */
export class Progress {
  readonly #area = process.stderr.isTTY ? new LiveArea(process.stderr) : undefined;
  readonly #startedAt = performance.now();
  readonly #rows = new Map<string, { reply: string; elapsedMs?: number }>();
  readonly #chars = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #told = false;

  /** @param names Instances that are known to work on it, or its steps. */
  begin(names: readonly string[] = []): void {
    for (const name of names) this.#rows.set(name, { reply: "pending" });
    if (!this.#area) return;
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  readonly onProgress = ({ runId, step, instance, reply, working }: ProgressEvent): void => {
    this.tellRun(runId);
    if (working?.chars !== undefined) this.#chars.set(instance, working.chars);
    // A step that was not done has no reply.
    this.set(step ?? instance, step !== undefined && reply === "none" ? "skipped" : reply);
  };

  set(name: string, reply: string, elapsedMs = performance.now() - this.#startedAt): void {
    this.#rows.set(name, reply === "pending" ? { reply } : { reply, elapsedMs });
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
    const rows = Array.from(this.#rows, ([name, { reply, elapsedMs }]) => [
      name,
      reply,
      span(elapsedMs ?? soFar),
      ...(reply === "pending" && this.#chars.has(name) ? [`${this.#chars.get(name)} characters`] : []),
    ]);
    // Who comes next is not known before it has ended there.
    if (!rows.some(([, reply]) => reply === "pending" || reply === "done"))
      rows.push(["…", "pending", span(soFar)]);
    this.#area?.draw(table(rows).split("\n"), (line) => paintReplies(line, process.stderr));
  }
}
