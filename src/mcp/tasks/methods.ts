import {
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Viewer } from "../../core/context.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { DEFAULT_MCP_SETTINGS, type McpSettings } from "../../core/mcp-settings.ts";
import type { RunAnswer } from "../../core/run-answers.ts";
import type { Engine } from "../../engine/engine.ts";
import { declaresTasks, tasksMissing } from "./extension.ts";
import { type TaskState, taskOf } from "./task.ts";

const params = z.looseObject({ taskId: z.string().min(1).max(128) });

export interface TaskMethodsDependencies {
  engine: Engine;
  /** What of the runs whoever makes a request may see. */
  viewerOf(context: ServerContext): Viewer;
  /** What an answer that is made anew has room for. */
  settings?: () => McpSettings | Promise<McpSettings>;
}

/** Answers `tasks/get`, `tasks/update` and `tasks/cancel`: a task is a run, by the run's id. */
export function addTaskMethods(
  server: Server,
  { engine, viewerOf, settings = () => DEFAULT_MCP_SETTINGS }: TaskMethodsDependencies,
): void {
  const add = (
    method: string,
    answer: (task: { runId: string; viewer: Viewer }, context: ServerContext) => Promise<object>,
  ) =>
    server.setRequestHandler(method, { params }, async ({ taskId: runId }, context) => {
      if (!declaresTasks(context)) throw tasksMissing(method);
      try {
        return { ...(await answer({ runId, viewer: viewerOf(context) }, context)) };
      } catch (error) {
        throw protocolError(error);
      }
    });

  add("tasks/get", async (task) => {
    const { told, state } = await read(engine, task, await settings());
    return { ...taskOf(told, state), ...state };
  });

  add("tasks/update", async (task, { mcpReq }) => {
    if (!isObject(mcpReq.inputResponses)) throw invalid("inputResponses: expected an object.");
    await read(engine, task);
    // No task ever asks for input: there is nothing outstanding that these could answer.
    return {};
  });

  add("tasks/cancel", async (task) => {
    const { state } = await read(engine, task);
    if (state.status === "working") await cancel(engine, task);
    return {};
  });
}

async function read(
  engine: Engine,
  { runId, viewer }: { runId: string; viewer: Viewer },
  settings?: McpSettings,
): Promise<{ told: RunAnswer; state: TaskState }> {
  const { callsUnderWay, stateOf } = await import("./task-state.ts");
  const isUnderWay = callsUnderWay.has(runId);
  const told = await engine.runsAnswer({ runId }, viewer);
  return { told, state: stateOf(told, isUnderWay, settings) };
}

/** Cancels down to the instances, and waits until they have said what became of the work. */
async function cancel(engine: Engine, { runId, viewer }: { runId: string; viewer: Viewer }): Promise<void> {
  try {
    await engine.runsCancel({ runId }, viewer);
  } catch (error) {
    // The order stands: the process that works on the run has not obeyed it yet.
    if (OrchestratorError.from(error).code !== "conflict") throw error;
  }
}

function protocolError(thrown: unknown): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const { code, message, action } = OrchestratorError.from(thrown);
  if (code === "run_not_found" || code === "bad_request") return invalid(`taskId: ${message} → ${action}`);
  return new ProtocolError(ProtocolErrorCode.InternalError, `${code}: ${message} → ${action}`);
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
