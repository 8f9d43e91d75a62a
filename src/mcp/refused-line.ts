import { type JSONRPCErrorResponse, ProtocolErrorCode, type RequestId } from "@modelcontextprotocol/server";
import { isDeeper } from "../core/depth.ts";
import { isObject, type Json } from "../core/json.ts";
import type { Line } from "./lines.ts";

/** As many as a body over HTTP may have. */
const MOST_LEVELS = 200;

/** Whether a message is nested so deeply that it is refused. */
export function isTooDeep(value: unknown): boolean {
  return isDeeper(value as Json, MOST_LEVELS);
}

/** As JSON-RPC has it, the id of an answer to what has no id that can be read. */
type Refusal = Omit<JSONRPCErrorResponse, "id"> & { id: RequestId | null };

/** The answer to a line that is not JSON. */
export function notJson(thrown: unknown): Refusal {
  const reason = (thrown as Error).message;
  return refusal(null, ProtocolErrorCode.ParseError, `This line is not JSON: ${reason.slice(0, 200)}`);
}

/** The answer to JSON that is no message of JSON-RPC; none to what is an answer itself, lest answers go to and fro. */
export function noMessage(value: unknown): Refusal | undefined {
  if (isObject(value) && !("method" in value) && ("result" in value || "error" in value)) return undefined;
  const { id } = isObject(value) ? value : {};
  return refusal(isRequestId(id) ? id : null, ProtocolErrorCode.InvalidRequest, wrongIn(value));
}

/** The answer to a message that is too long to be read: its id is where clients write it, before or after the rest. */
export function tooLong({ begins, ends }: Exclude<Line, { text: string }>, mostBytes: number): Refusal {
  const id = ID_FIRST.exec(begins)?.[1] ?? ID_LAST.exec(ends)?.[1];
  const most = Math.floor(mostBytes / 1024 / 1024);
  return refusal(
    id === undefined ? null : JSON.parse(id),
    ProtocolErrorCode.InvalidRequest,
    `This message is longer than ${most} MiB and was not read: nothing was sent. Make its payload smaller.`,
  );
}

const VALUE = String.raw`(-?\d{1,15}|"[^"\\]{0,128}")`;
const ID_FIRST = new RegExp(
  `^\\s*{\\s*(?:"(?:jsonrpc|method)"\\s*:\\s*"[^"\\\\]*"\\s*,\\s*)*"id"\\s*:\\s*${VALUE}\\s*,`,
);
const ID_LAST = new RegExp(`,\\s*"id"\\s*:\\s*${VALUE}\\s*(?:,\\s*"jsonrpc"\\s*:\\s*"2.0"\\s*)?}\\s*$`);

function refusal(id: RequestId | null, code: number, message: string): Refusal {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === "string" || Number.isSafeInteger(id);
}

function wrongIn(value: unknown): string {
  if (Array.isArray(value)) return "Batches are not taken: write each message on a line of its own.";
  if (!isObject(value)) return "A message of JSON-RPC is an object.";
  const { jsonrpc, id, method, params, ...others } = value;
  if (jsonrpc !== "2.0") return 'jsonrpc: expected "2.0".';
  if ("id" in value && !isRequestId(id)) return "id: expected a string or an integer.";
  if (typeof method !== "string") return "method: expected a string.";
  if (params !== undefined && !isObject(params)) return "params: expected an object.";
  if (isTooDeep(value))
    return `params: nested more than ${MOST_LEVELS} levels deep, which is the most that is taken.`;
  const [other] = Object.keys(others);
  if (other !== undefined)
    return `${other.slice(0, 100)}: no such field; known: jsonrpc, id, method, params.`;
  return "params._meta: not as the protocol has it; a progressToken is a string or an integer.";
}
