import { type CallToolResult, ProtocolError, type ServerContext } from "@modelcontextprotocol/server";
import { Cancellation } from "../../core/cancellation.ts";
import type { CallContext } from "../../core/context.ts";
import { OrchestratorError } from "../../core/errors.ts";
import type { KeptAnswer } from "../../core/kept-answer.ts";
import type { Logger } from "../../core/ports.ts";
import type { RunAnswer } from "../../core/run-answers.ts";
import type { Engine } from "../../engine/engine.ts";
import { LONGEST_WAIT_MS } from "../call-context.ts";
import type { PreparedCall, Told } from "../define-tool.ts";
import { toErrorResult, toResult } from "../respond.ts";
import { span } from "../words.ts";
import { declaresTasks } from "./extension.ts";
import { type Task, type TaskState, taskOf } from "./task.ts";
import { callsUnderWay, completed, keepState, stateOf } from "./task-state.ts";

/** What is done within this is answered as ever, also to a client that takes tasks. */
const AT_ONCE_MS = 500;
/** A task waits for its run, which has a deadline of its own. */
const TO_THE_END_MS = 2 ** 31 - 1;

export interface CreatedTask extends Task {
  resultType: "task";
  status: TaskState["status"];
}

/**
 * Answers a call of a tool. Where its client takes tasks, work that is not done within moments is
 * answered with one, and goes on; but for a caller who says that it waits for moments only, and so
 * wants the run's id rather than the result.
 *
 * @throws what the call throws before it is a task.
 */
export async function answerCall(
  deps: { engine: Engine; logger: Logger },
  call: PreparedCall,
  { context, mcp }: { context: CallContext; mcp: ServerContext },
): Promise<CallToolResult | CreatedTask> {
  const { engine, logger } = deps;
  const { waitMs = TO_THE_END_MS, makesRun } = call;
  if (makesRun && waitMs > AT_ONCE_MS && declaresTasks(mcp))
    return resultOrTask({ engine, logger }, call, context);
  const told = await call.answer(engine, context);
  return toResult(told.isPending && (call.waitMs ?? 0) > LONGEST_WAIT_MS ? withLimit(told) : told);
}

function withLimit(told: Told): Told {
  const note = `This call stayed open for the ${span(LONGEST_WAIT_MS)} that it may: clients give longer ones up.`;
  return { ...told, text: `${told.text}\n${note}` };
}

async function resultOrTask(
  deps: { engine: Engine; logger: Logger },
  call: PreparedCall,
  { longestWaitMs: _, ...context }: CallContext,
): Promise<CallToolResult | CreatedTask> {
  let tellRun: (runId: string) => void = () => {};
  const run = new Promise<string>((resolve) => {
    tellRun = resolve;
  });
  const { endings, detach } = detachable(context);
  const answer = call.answer(deps.engine, { ...context, ...endings, onRun: tellRun }, TO_THE_END_MS);
  const first = await firstOf(answer, run);
  if (typeof first !== "string") return toResult(first);
  // Of a run that cannot be asked about from here, such as one that a session's token made at a server, the
  // answer itself is awaited.
  const told = await deps.engine.runsAnswer({ runId: first }, context).catch(() => undefined);
  if (!told) return toResult(await answer);
  detach();
  followCall(deps, first, answer);
  return createdTask(told);
}

/** The answer, or the run's id where the answer takes longer. */
async function firstOf(answer: Promise<Told>, run: Promise<string>): Promise<Told | string> {
  let stop = () => {};
  const moments = new Promise<undefined>((resolve) => {
    const timer = setTimeout(resolve, AT_ONCE_MS, undefined).unref();
    stop = () => clearTimeout(timer);
  });
  try {
    return (await Promise.race([answer, moments])) ?? (await Promise.race([answer, run]));
  } finally {
    stop();
  }
}

/** The same ends of a call, until it is answered with a task: what its connection does then ends nothing. */
function detachable({ cancellation, gone }: CallContext) {
  const endings = { cancellation: new Cancellation(), gone: new Cancellation() };
  const links = [
    cancellation?.onCancel((error) => endings.cancellation.cancel(error)),
    gone?.onCancel(() => endings.gone.cancel()),
  ];
  const detach = () => {
    for (const unlink of links) unlink?.();
  };
  return { endings, detach };
}

/** Has it noted what becomes of a call that is now a task. */
function followCall(
  { engine, logger }: { engine: Engine; logger: Logger },
  runId: string,
  answer: Promise<Told>,
): void {
  callsUnderWay.add(runId);
  answer
    .then(lastWord, (thrown: unknown) => {
      if (thrown instanceof ProtocolError) return failed(thrown);
      const error = OrchestratorError.from(thrown);
      // Why a run failed is stored with it, and is told the same by every process.
      if (error.code !== "internal") return undefined;
      logger.error({ err: thrown, runId }, "a task broke off");
      return completed(toErrorResult(error.with({ runId })));
    })
    .then((state) => state && keepState(engine, runId, state))
    .catch((error: unknown) => logger.warn({ err: error, runId }, "a task's result could not be kept"))
    .finally(() => callsUnderWay.delete(runId));
}

/** Where this process leaves first, whoever takes up the run has the last word. */
function lastWord(told: Told): KeptAnswer | undefined {
  return told.isPending ? undefined : completed(toResult(told));
}

function failed({ code, message, data }: ProtocolError): KeptAnswer {
  return { status: "failed", error: { code, message, ...(data !== undefined && { data }) } };
}

/** @throws OrchestratorError `store_unavailable`: there is no task that another process would not find. */
function createdTask(told: RunAnswer): CreatedTask {
  if (!told.stored) throw notStored(told.run.runId);
  const state = stateOf(told, true);
  return { resultType: "task", status: state.status, ...taskOf(told, state) };
}

function notStored(runId: string): OrchestratorError {
  return new OrchestratorError("store_unavailable", `Run ${runId} goes on, and cannot be stored.`, {
    runId,
    delivery: "unknown",
    action: "Read it with runs_get while this server runs, and see what `orchestrator doctor` says.",
  });
}
