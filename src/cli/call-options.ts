import { type Command, InvalidArgumentError, Option } from "commander";
import type { Budget, RepetitionOptions } from "../core/calls.ts";
import { parseDuration } from "../core/duration.ts";
import { nearest } from "../core/nearest.ts";
import { configOption } from "./options.ts";
import type { Output } from "./output.ts";

// Options of the commands that call the engine. What was written goes on as it is: the engine's own
// schemas say what is wrong with it.

/** Where the engine is: in this process, or at a server. */
export interface ConnectionOptions {
  config?: string;
  url?: string;
}

/** What every command takes that calls the engine. */
export interface CallOptions extends ConnectionOptions {
  output?: Output;
}

/** What every command takes that makes a run. */
export interface RunOptions extends CallOptions, RepetitionOptions {
  timeout?: string;
  wait?: string;
}

export function addCallOptions(command: Command): Command {
  return command
    .addOption(wordOption("--output <form>", "default a table on a terminal, else JSON", ["json", "table"]))
    .addOption(configOption())
    .option(
      "--url <url>",
      "a running `orchestrator serve`, used instead of the engine here; default $ORCHESTRATOR_URL",
    );
}

export function addRunOptions(command: Command): Command {
  const timed = command
    .option("--timeout <time>", "deadline of the whole work, such as 10s; passing it cancels")
    .option("--wait <time>", "how long this call stays open; default the timeout")
    .option("--idempotency-key <key>", "your own key: the same key again is answered with the same run")
    .option("--fresh", "never answer with an earlier run");
  return addCallOptions(timed);
}

/** The fields of a call for what {@link addRunOptions} takes. */
export function runFields({ timeout, wait, idempotencyKey, fresh }: RunOptions) {
  return { timeout, wait: wait ?? waitFor(timeout), idempotencyKey, fresh };
}

/** Longer than any timeout: a call that waits so long stays open until the work has ended. */
export const UNTIL_IT_ENDS = "20d";

function waitFor(timeout: string | undefined): string {
  return timeout !== undefined && parseDuration(timeout) !== undefined ? timeout : UNTIL_IT_ENDS;
}

export const payloadOption = () =>
  new Option("--payload <json>", "the task: JSON, @file, or - for standard input");

export const retryOption = () =>
  numberOption("--retries, --retry <n>", "rounds of retries, where a retry is safe; default 3");

export const dryRunOption = () => new Option("--dry-run", "only say who would be asked, and who not and why");

export const sessionOption = () =>
  new Option("--id <name>", "the session's name, such as session1").makeOptionMandatory();

export const tokenOption = () =>
  new Option("--token <token>", "the session's token, which opens this one session");

export const pageOptions = () => [
  numberOption("--limit <n>", "at most so many; default 50"),
  new Option("--after <next>", "where the page before ended: its next"),
];

/** An option that takes one of a few words. */
export function wordOption(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words).argParser((text) => {
    if (words.includes(text)) return text;
    const near = nearest(text, words);
    const expected = `Expected ${words.slice(0, -1).join(", ")} or ${words.at(-1)}.`;
    throw new InvalidArgumentError(near === undefined ? expected : `${expected} Did you mean ${near}?`);
  });
}

/** What a run may spend. */
export interface BudgetOptions {
  maxCalls?: number;
  maxTokens?: number;
  maxCostUsd?: number;
}

export function addBudgetOptions(command: Command): Command {
  return command
    .addOption(numberOption("--max-calls <n>", "budget: nothing more is sent after so many requests"))
    .addOption(numberOption("--max-tokens <n>", "budget: nothing more is sent once so many tokens are used"))
    .addOption(
      new Option("--max-cost-usd <usd>", "budget: nothing more is sent once it has cost so much").argParser(
        (text) => {
          if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
          throw new InvalidArgumentError("Expected an amount, such as 0.5.");
        },
      ),
    );
}

export function budgetOf({ maxCalls, maxTokens, maxCostUsd }: BudgetOptions): { budget?: Budget } {
  const budget = { maxCalls, maxTokens, maxCostUsd };
  return Object.values(budget).some((most) => most !== undefined) ? { budget } : {};
}

export function numberOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    throw new InvalidArgumentError("Expected a whole number.");
  });
}
