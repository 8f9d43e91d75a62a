import type { CallToolResult } from "@modelcontextprotocol/server";
import type { ErrorBody, OrchestratorError } from "../core/errors.ts";
import { oneLine } from "./words.ts";

/** What a tool answers, for eyes that see the text alone and for programs. */
export interface Response {
  text: string;
  /** A plain object of JSON. */
  structured: object;
}

export function toResult({ text, structured }: Response): CallToolResult {
  return { content: [{ type: "text", text }], structuredContent: { ...structured } };
}

/** A tool error: `code: message → action`, then what is known of the work. */
export function toErrorResult(thrown: OrchestratorError): CallToolResult {
  const error = trimmedError(thrown.toBody(), LONGEST_MESSAGE);
  const { code, message, action, instance, runId, delivery, retryable } = error;
  const facts = [
    instance !== undefined && `instance ${instance}`,
    runId !== undefined && `run ${runId}`,
    delivery !== undefined && `delivery ${delivery}`,
    retryable && "safe to call again",
  ].filter((fact) => fact !== false);
  const tail = facts.length === 0 ? "" : `\n(${facts.join(", ")})`;
  return {
    content: [{ type: "text", text: `${code}: ${message} → ${action}${tail}` }],
    structuredContent: { error },
    isError: true,
  };
}

const LONGEST_MESSAGE = 2_000;
const LONGEST_DETAILS = 8_000;

/** An error without the length that an instance may have given its message or details. */
export function trimmedError(error: ErrorBody, longest?: number): ErrorBody {
  const { message, action, details, ...rest } = error;
  return {
    ...rest,
    message: oneLine(message, longest),
    action: oneLine(action),
    ...(details !== undefined && JSON.stringify(details).length <= LONGEST_DETAILS && { details }),
  };
}

/** The same object with the error that it may carry trimmed. */
export function withTrimmedError<T extends { error?: ErrorBody }>(carrier: T): T {
  return carrier.error === undefined ? carrier : { ...carrier, error: trimmedError(carrier.error) };
}

/** What the caller should know though the work was done. */
export function warningLines({ warnings = [] }: { warnings?: string[] }): string[] {
  return warnings.map((warning) => `Warning: ${oneLine(warning)}`);
}
