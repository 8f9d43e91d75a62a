import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { parseDuration } from "../../core/duration.ts";
import type { Orchestrator } from "../../core/orchestrator.ts";
import type { RunDetail } from "../../core/run-answers.ts";
import { addCallOptions, type CallOptions, UNTIL_IT_ENDS } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT, exitCodeOfAll, exitCodeOfPlan } from "../exit.ts";
import { howToGoOn } from "../how-to-go-on.ts";
import { listenForInterruption } from "../interruption.ts";
import { commandOf } from "../introduce.ts";
import { say, sayWarnings, show } from "../output.ts";
import { Progress } from "../progress.ts";
import { runWords } from "../run-words.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions {
  wait?: string;
}

/** `orchestrator runs wait` */
export const runsWaitCommand: CommandBuilder = (actions, exit) =>
  addCallOptions(
    new Command("wait")
      .description("waits for a run to end and prints its outcomes; the exit code is that of its work")
      .argument("<run>", "the run's id")
      .option("--wait <time>", "how long at most; default until it ends"),
  )
    .addHelpText("after", "\nExample:\n  orchestrator runs wait run-m3x9-Zk1 --wait 10m")
    .action(async (runId: string, options: Options) => {
      const progress = new Progress();
      const { signal, end } = listenForInterruption(() =>
        progress.say(
          `No longer waiting: the run goes on. To stop it: ${commandOf(actions.program)} runs cancel ${runId}`,
        ),
      );
      try {
        const run = await useOrchestrator(actions, options, (orchestrator) =>
          waitFor(orchestrator, { runId, wait: options.wait }, { progress, signal }),
        );
        show(options.output, run, () => runWords(run));
        const code = signal.aborted ? EXIT.interrupted : exitCode(run);
        if (code === EXIT.pending)
          say(
            howToGoOn(
              { runId, ...(run.steps && { steps: run.steps, survivesExit: false }) },
              options,
              actions.program,
            ),
          );
        exit(code);
      } finally {
        end();
      }
    });

/** So long one question stays open: whoever works on the run may die, and is only then followed. */
const ONE_WAIT_MS = 2_000;
/** Where nobody works on a run any more, a question is answered at once, and the next one has to wait. */
const PAUSE_MS = 250;

/** Asks for the run until it has ended, the time is over, or nobody waits any more. */
async function waitFor(
  orchestrator: Orchestrator,
  { runId, wait = UNTIL_IT_ENDS }: { runId: string; wait?: string | undefined },
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<RunDetail> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  const ask = async (wait: string | number) => (await orchestrator.runsGet({ runId, wait })) as RunDetail;
  const waitMs = parseDuration(wait);
  // What is no duration the engine refuses; else it is not asked to wait at first.
  let run = await ask(waitMs === undefined ? wait : 0);
  const giveUpAt = performance.now() + (waitMs ?? 0);
  sayWarnings(run);
  progress.begin();
  try {
    for (;;) {
      for (const { instance, reply, elapsedMs } of run.outcomes) progress.set(instance, reply, elapsedMs);
      for (const { step, state, elapsedMs } of run.steps ?? [])
        progress.set(step, elapsedMs === undefined ? "pending" : state, elapsedMs);
      const leftMs = Math.min(ONE_WAIT_MS, giveUpAt - performance.now());
      if (run.state === "ended" || leftMs <= 0 || signal.aborted) return run;
      const asked = Promise.all([ask(`${Math.ceil(leftMs)}ms`), sleep(Math.min(PAUSE_MS, leftMs))]);
      // Once nobody waits, it does not matter any more how it was answered.
      asked.catch(() => {});
      run = (await Promise.race([asked, aborted]))?.[0] ?? run;
    }
  } finally {
    progress.end();
  }
}

/** An ended run that has asked nobody has done nothing. */
function exitCode({ state, operation, outcomes, reply, counts, steps, error }: RunDetail): number {
  if (state === "open") return EXIT.pending;
  if (operation === "orchestrate") return exitCodeOfPlan({ reply, counts, steps, error });
  if (operation === "fanout") return exitCodeOfAll(outcomes);
  // One of the candidates was enough.
  return outcomes.some(({ reply }) => reply === "done") ? EXIT.done : exitCodeOfAll(outcomes);
}
