import type { InstanceHealth } from "../core/answers.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Running } from "./actions.ts";
import { inFlags } from "./flags.ts";
import { changes, roundJson } from "./health-round.ts";
import { type HealthView, liveView, plainView } from "./health-view.ts";
import { isTable, type Output, printJson } from "./output.ts";

export interface WatchOptions {
  intervalMs: number;
  output: Output | undefined;
  detail: boolean;
}

export interface HealthWatch extends Running {
  /** Why it ended by itself, where that is a failure. */
  error?: OrchestratorError;
}

/** Checks at once and then every interval, and shows each round, until it is stopped or nobody reads it any more. */
export function watchHealth(look: () => Promise<InstanceHealth[]>, options: WatchOptions): HealthWatch {
  const stopping = new AbortController();
  const view = viewOf(options);
  const onReaderGone = () => stopping.abort();
  process.stdout.once("error", onReaderGone);
  const watch: HealthWatch = {
    async stop() {
      stopping.abort();
      process.stdout.off("error", onReaderGone);
    },
  };
  watch.ended = (async () => {
    let before: InstanceHealth[] | undefined;
    for (let first = true; !stopping.signal.aborted; first = false) {
      const startedAt = performance.now();
      try {
        const found = await look();
        if (stopping.signal.aborted) return;
        view.show({ at: new Date(), found, changed: before ? changes(before, found) : [] });
        before = found;
      } catch (thrown) {
        const error = inFlags(OrchestratorError.from(thrown));
        if (first && error.code === "bad_request") {
          // Words that are wrong do not become right by waiting.
          watch.error = error;
          return;
        }
        view.show({ at: new Date(), error: error.toBody() });
      }
      await pause(startedAt + options.intervalMs - performance.now(), stopping.signal);
    }
  })();
  return watch;
}

function viewOf({ output, detail, intervalMs }: WatchOptions): HealthView {
  if (isTable(output)) return process.stdout.isTTY ? liveView(intervalMs) : plainView();
  return { show: (round) => printJson(roundJson(round, detail)) };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, Math.max(0, ms));
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
