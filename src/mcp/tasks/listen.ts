import {
  isJSONRPCRequest,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
} from "@modelcontextprotocol/server";
import { isObject, type Json } from "../../core/json.ts";
import { takesTasks, tasksMissing } from "./extension.ts";

/**
 * The refusal of a client that would listen for tasks without declaring the extension; nothing for any
 * other message. The SDK answers `subscriptions/listen` before a server sees it. Who declares it is
 * promised no such notifications, and polls.
 */
export function refusedListening(message: JSONRPCMessage): JSONRPCErrorResponse | undefined {
  if (!isJSONRPCRequest(message) || message.method !== "subscriptions/listen") return undefined;
  const { notifications, _meta } = (message.params ?? {}) as { notifications?: Json; _meta?: object };
  if (!isObject(notifications) || notifications.taskIds === undefined || takesTasks(_meta)) return undefined;
  const { code, message: why, data } = tasksMissing("Listening for tasks");
  return { jsonrpc: "2.0", id: message.id, error: { code, message: why, data } };
}
