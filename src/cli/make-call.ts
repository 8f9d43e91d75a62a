import type { DryRunAnswer } from "../core/answers.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Orchestrator, CallOptions as Watch } from "../core/orchestrator.ts";
import type { Actions } from "./actions.ts";
import type { CallOptions } from "./call-options.ts";
import { dryRunWords } from "./dry-run.ts";
import { EXIT } from "./exit.ts";
import { type Fate, fatesOf, sayFates } from "./fates.ts";
import { inFlags } from "./flags.ts";
import { howToGoOn } from "./how-to-go-on.ts";
import { listenForInterruption } from "./interruption.ts";
import { printError, say, sayWarnings, show } from "./output.ts";
import { Progress } from "./progress.ts";
import { useOrchestrator } from "./use-orchestrator.ts";

/** What an answer that belongs to a run has in common with the others. */
interface RunAnswer {
  runId: string;
  survivesExit?: boolean;
  /** Of a plan. */
  steps?: unknown;
  warnings?: string[];
}

/** A call that makes a run. */
export interface RunCall<A extends RunAnswer> {
  make(orchestrator: Orchestrator, watch: Watch): Promise<A | DryRunAnswer>;
  /** Who will be asked, or which steps will be done, as far as that is known beforehand. */
  instances?(orchestrator: Orchestrator): Promise<readonly string[]>;
  print(answer: A): void;
  /** What is known of each instance that was asked. */
  fates(answer: A): readonly Fate[];
  exitCode(answer: A): number;
}

/**
 * Makes a call and prints its answer: watched on a terminal, cancelled at the instances by Ctrl-C; the
 * exit code.
 */
export async function makeCall<A extends RunAnswer>(
  actions: Actions,
  options: CallOptions,
  call: RunCall<A>,
): Promise<number> {
  const progress = new Progress();
  const { signal, end } = listenForInterruption(() =>
    progress.say("Cancelling at the instances. Ctrl-C again ends this at once."),
  );
  const answered = async (orchestrator: Orchestrator): Promise<A | DryRunAnswer> => {
    // A program that reads stderr waits for the answer alone.
    progress.begin(process.stderr.isTTY ? await call.instances?.(orchestrator) : []);
    try {
      return await call.make(orchestrator, {
        signal,
        onRun: (runId) => progress.tellRun(runId),
        onProgress: progress.onProgress,
      });
    } finally {
      progress.end();
    }
  };
  const finish = (answer: A): number => {
    progress.tellRun(answer.runId);
    sayWarnings(answer);
    call.print(answer);
    if (signal.aborted) {
      sayFates(call.fates(answer));
      return EXIT.interrupted;
    }
    const code = call.exitCode(answer);
    if (code === EXIT.pending) say(howToGoOn(answer, options, actions.program));
    return code;
  };
  const fail = async (orchestrator: Orchestrator, error: OrchestratorError): Promise<number> => {
    progress.tellRun(error.runId);
    if (!signal.aborted) throw error;
    sayFates(await fatesOf(orchestrator, error));
    printError(inFlags(error));
    return EXIT.interrupted;
  };
  try {
    return await useOrchestrator(actions, options, async (orchestrator) => {
      let answer: A | DryRunAnswer;
      try {
        answer = await answered(orchestrator);
      } catch (thrown) {
        return await fail(orchestrator, OrchestratorError.from(thrown));
      }
      if (!("dryRun" in answer)) return finish(answer);
      const { output } = options;
      show(output, answer, () => dryRunWords(answer));
      return EXIT.done;
    });
  } finally {
    end();
  }
}
