import { OrchestratorError } from "../../core/errors.ts";
import type { KeptAnswer } from "../../core/kept-answer.ts";
import type { McpSettings } from "../../core/mcp-settings.ts";
import type { RunAnswer } from "../../core/run-answers.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Tool } from "../define-tool.ts";
import { type Response, toErrorResult, toResult } from "../respond.ts";
import { TOOLS } from "../tools/index.ts";
import type { TaskState } from "./task.ts";

/** Calls that go on in this process as tasks, by their run, whichever connection began them. */
export const callsUnderWay: Set<string> = new Set();

/** Notes what the call that goes on as a task came to, so that any process can tell it. */
export async function keepState(engine: Engine, runId: string, state: KeptAnswer): Promise<void> {
  const { cancelled } = await engine.runsAnswer({ runId });
  await engine.keepAnswer({ runId, answer: cancelled ? { status: "cancelled" } : state });
}

/**
 * How a run is as a task. What its call was answered with is told as it was noted; of a run whose call
 * ended with its process, the answer is made anew.
 *
 * @param isUnderWay Whether its call was still going on here before the run was read.
 */
export function stateOf(told: RunAnswer, isUnderWay: boolean, settings?: McpSettings): TaskState {
  const { run, kept, cancelled, answer, error } = told;
  if (kept) return kept;
  if (isUnderWay) return { status: "working" };
  if (cancelled) return { status: "cancelled" };
  if (error) return completed(toErrorResult(OrchestratorError.fromBody(error)));
  return answer ? completed(toResult(retold(run.operation, answer, settings))) : { status: "working" };
}

/** The result of the call, in the very form that it would have had. */
export function completed(result: object): KeptAnswer {
  return { status: "completed", result: { ...result, resultType: "complete" } };
}

function retold(operation: Tool["operation"], answer: object, settings?: McpSettings): Response {
  const tool = TOOLS.find((each) => each.operation === operation) as Tool;
  return tool.retell(answer, settings);
}
