import { OrchestratorError } from "../core/errors.ts";

/** Flags that are not simply the field's name with dashes. */
const FLAGS: Record<string, string> = {
  retries: "--retry",
  sessionId: "--id",
  queue: "--no-queue",
  runIds: "--run-id",
};

/** Fields of calls that a flag stands for. */
const FIELDS = new Set([
  ...["instances", "targets", "instance", "payload", "payloads", "data", "responses"],
  ...["timeout", "wait", "retries", "idempotent", "idempotencyKey", "fresh", "fallback", "pick", "dryRun"],
  ...["aggregate", "strategy", "path", "key", "limit", "separator", "normalize", "quorum", "order"],
  ...["instruction", "minSuccess", "runIds"],
  ...["minReplies", "stall", "cancelRest", "concurrency"],
  ...["sessionId", "onInstanceDown", "token", "queue", "remote"],
  ...["maxCalls", "maxTokens", "maxCostUsd"],
  ...["detail", "after", "offset", "runId", "step", "value", "inputs", "resume"],
]);

/** The flag for a field of a call; `undefined` where there is none. */
export function flagOf(field: string): string | undefined {
  if (!FIELDS.has(field)) return undefined;
  return FLAGS[field] ?? `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An error of the engine in the words of the command line: flags for fields, commands for tools. */
export function inFlags(error: OrchestratorError): OrchestratorError {
  const { message, action } = error.toBody();
  // A field of a file is named as it stands there.
  if (error.details?.file !== undefined) return error;
  const inWords = { message: message.replace(OPTION, "").replace(FIELD, named), action: commandsFor(action) };
  if (inWords.message === message && inWords.action === action) return error;
  return OrchestratorError.fromBody({ ...error.toBody(), ...inWords });
}

/** What a strategy, or a budget, is told is a flag of its own: `aggregate.limit: …`. */
const OPTION = /(?<=^|; )(?:aggregate|budget)\.(?=[A-Za-z]+: )/g;

/** A field's name where a message begins with it, with the path within it: `payloads.A: …`. */
const FIELD = /(?<=^|; )([a-z][A-Za-z]*)(?=(?:[.[][^:;]*)?: )/g;

function named(field: string): string {
  return flagOf(field) ?? field;
}

function commandsFor(action: string): string {
  return action
    .replace(
      /^Give (instances|targets), such as \["A"\], \["A-H"\] or \["\*"\]/,
      "Give --$1 A, --$1 A-H or --$1 '*'",
    )
    .replace(/^Raise budget\.(\w+)/, (_, field: string) => `Raise ${flagOf(field)}`)
    .replace("with runs_get", "with `orchestrator runs show`")
    .replace(
      "Correct the named field and call again.",
      "Correct it and call again; --help shows an example.",
    );
}

/** Words that were written wrongly. */
export function usage(message: string, action = "See --help of this command."): OrchestratorError {
  return new OrchestratorError("bad_request", message, { action, delivery: "not_sent" });
}
