import { EXIT, exitCodeOf } from "../../src/cli/exit.ts";
import { ERROR_TABLE, type ErrorCode } from "../../src/core/errors.ts";
import { code, codes, table } from "./markdown.ts";

// The error table, and what the command line makes of it.

export function errors(): string {
  return table(
    ["code", "status", "retry", "next"],
    Object.entries(ERROR_TABLE).map(([name, { status, retry, action }]) => [
      code(name),
      String(status),
      retry ? "if nothing was delivered" : "no",
      action,
    ]),
  );
}

const MEANING: Record<keyof typeof EXIT, string> = {
  done: "all of it is done",
  failed: "the work failed, or another error",
  usage: "wrong usage, or a name that nobody has",
  partly: "partly done: some targets, not all",
  unauthorized: "a key was refused",
  timeout: "the deadline of the work has passed",
  pending: "the wait is over and the work goes on",
  interrupted: "Ctrl-C, or the run was cancelled",
};

export function exitCodes(): string {
  const all = Object.keys(ERROR_TABLE) as ErrorCode[];
  return table(
    ["exit code", "meaning", "error codes"],
    Object.entries(EXIT).map(([name, exitCode]) => {
      const meant = all.filter((each) => exitCodeOf({ code: each }) === exitCode);
      const rest = exitCode === EXIT.failed ? "every other one" : codes(meant);
      return [code(String(exitCode)), MEANING[name as keyof typeof EXIT], rest];
    }),
  );
}
