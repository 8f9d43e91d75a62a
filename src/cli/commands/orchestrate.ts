import { Command } from "commander";
import type { OrchestrateCall } from "../../core/calls.ts";
import { isObject } from "../../core/json.ts";
import type { OrchestrateAnswer } from "../../core/plan-answers.ts";
import { addRunOptions, dryRunOption, type RunOptions, runFields } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { exitCodeOfPlan } from "../exit.ts";
import { usage } from "../flags.ts";
import { readJsonArgument } from "../json-argument.ts";
import { makeCall } from "../make-call.ts";
import { show } from "../output.ts";
import { planWords } from "../plan-words.ts";

interface Options extends RunOptions {
  input?: string[];
  inputs?: string;
  resume?: string;
  dryRun?: boolean;
}

/** `orchestrator orchestrate` */
export const orchestrateCommand: CommandBuilder = (actions, exit) =>
  addRunOptions(
    new Command("orchestrate")
      .description("works through a plan: steps that need one another, over the fleet")
      .argument("[plan]", "the plan: a file of JSON, or - for standard input")
      .option("--input <name=value...>", "an input of the plan; a value that is JSON is taken as that")
      .option("--inputs <json>", "inputs of the plan: a JSON object, @file or -")
      .option(
        "--resume <run>",
        "go on with a plan that failed; with a plan, its steps in place of those not done",
      )
      .addOption(dryRunOption()),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  orchestrator orchestrate plan.json --input topic=retries\n  orchestrator orchestrate --resume run-m3x9-Zk1",
    )
    .action(async (file: string | undefined, options: Options) => {
      const call = await callOf(...planIn(file, options));
      exit(
        await makeCall<OrchestrateAnswer>(actions, options, {
          // Of a plan that is resumed the steps are stored.
          instances: async () => stepsOf(call),
          make: (orchestrator, watch) => orchestrator.orchestrate(call, watch),
          print: (answer) => show(options.output, answer, () => planWords(answer)),
          fates: ({ steps }) =>
            steps.map(({ step, state, error }) => ({
              instance: step,
              reply: state === "done" || state === "failed" || state === "cancelled" ? state : "none",
              delivery: state === "skipped" || state === "waiting" ? "not_sent" : "accepted",
              ...(error && { error }),
            })),
          exitCode: exitCodeOfPlan,
        }),
      );
    });

/** Options that take several values take the plan's file too, where it stands behind them. */
function planIn(file: string | undefined, options: Options): [string | undefined, Options] {
  const last = options.input?.at(-1);
  if (file !== undefined || last === undefined || !(last === "-" || /^[^=]+\.json$/.test(last)))
    return [file, options];
  return [last, { ...options, input: options.input?.slice(0, -1) ?? [] }];
}

/** The steps of a plan that may be none. */
function stepsOf({ steps }: OrchestrateCall): string[] {
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: unknown) => (isObject(step) && typeof step.id === "string" ? [step.id] : []));
}

async function callOf(file: string | undefined, options: Options): Promise<OrchestrateCall> {
  const { resume, dryRun } = options;
  if (file === undefined && resume === undefined)
    throw usage(
      "orchestrate needs a plan.",
      "Name its file, or - for standard input, or --resume with a run's id.",
    );
  const plan = file === undefined ? {} : await readJsonArgument(file === "-" ? "-" : `@${file}`, "the plan");
  if (!isObject(plan)) throw usage("The plan is no JSON object.", 'It begins with {"steps": […]}.');
  const inputs = { ...(isObject(plan.inputs) ? plan.inputs : {}), ...(await inputsOf(options)) };
  return {
    ...(plan as OrchestrateCall),
    ...(Object.keys(inputs).length > 0 && { inputs }),
    ...(resume !== undefined && { resume }),
    ...(dryRun !== undefined && { dryRun }),
    ...runFields({ ...options, timeout: options.timeout ?? (plan.timeout as string | undefined) }),
  };
}

async function inputsOf({ input = [], inputs }: Options): Promise<Record<string, unknown>> {
  const whole = await readJsonArgument(inputs, "--inputs");
  if (inputs !== undefined && !isObject(whole))
    throw usage("--inputs is no JSON object.", 'Write it as {"name": value}.');
  return { ...(isObject(whole) ? whole : {}), ...Object.fromEntries(input.map(readInput)) };
}

function readInput(text: string): [string, unknown] {
  const [, name, value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined)
    throw usage(`--input ${text}: expected name=value.`, "Write it as --input topic=retries.");
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}
