import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import * as z from "zod";
import { isObject, parseJson } from "../core/json.ts";
import { problemsIn } from "../core/validate.ts";

const MOST_PROBLEMS = 5;

/**
 * The SDK tells of params that its schema does not allow by zod's list of issues as JSON, and of most as if the
 * server had failed. This says the same by the names of the fields, as the client's own mistake; any other error stays.
 */
export function inWords(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const [, list = ""] = /^(?:Invalid tools\/call request: )?(\[\s*\{[\s\S]*\])$/.exec(thrown.message) ?? [];
  const issues = parseJson(list);
  if (!Array.isArray(issues) || !issues.every(isIssue)) return thrown;
  const problems = problemsIn(z.unknown(), issues as unknown as z.core.$ZodIssue[]).slice(0, MOST_PROBLEMS);
  const lines = problems.map(({ at, problem }) => `${at}: ${problem}`);
  return new ProtocolError(ProtocolErrorCode.InvalidParams, lines.join("; "));
}

function isIssue(value: unknown): boolean {
  return isObject(value) && Array.isArray(value.path) && typeof value.message === "string";
}
