import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";
import { sessionsCloseInput, sessionsSendInput, sessionsSpawnInput } from "../../core/requests.ts";
import { validate } from "../../core/validate.ts";
import { spawnSession } from "../session-spawn.ts";
import { closeSession, sendToSession } from "../sessions.ts";
import type { StepResult } from "./plan-run.ts";
import { decided, keyOf, makeUntilSent, type StepCall, unfinished } from "./step-call.ts";

/** Opens, sends to or closes a session, as a step of a plan. */
export async function sessionCall(call: StepCall, fields: Record<string, Json>): Promise<StepResult> {
  const [[kind, given] = ["", null]] = Object.entries(fields);
  if (!isObject(given)) throw new OrchestratorError("bad_request", `session.${kind}: expected an object.`);
  if (kind === "spawn") return spawn(call, given);
  if (kind === "close") return close(call, given);
  return send(call, given);
}

async function spawn(
  { run, step, index, cancellation }: StepCall,
  given: Record<string, Json>,
): Promise<StepResult> {
  const input = validate(sessionsSpawnInput, given);
  try {
    const context = run.contextOf(step.id, index, cancellation);
    const { sessionId, instance } = await spawnSession(run.parts, input, context);
    return { reply: "done", value: sessionId, instance };
  } catch (thrown) {
    const error = OrchestratorError.from(thrown);
    const known = error.code === "session_exists" ? await run.parts.records.find(input.sessionId) : undefined;
    // A process that died may have opened it, and not have said so.
    const isOurs =
      known?.session.createdBy === run.open.run.createdBy &&
      known.session.createdAt >= (run.step(step.id).startedAt ?? Number.POSITIVE_INFINITY);
    if (!known || !isOurs) throw error;
    return { reply: "done", value: input.sessionId, instance: known.session.instance };
  }
}

async function send(call: StepCall, given: Record<string, Json>): Promise<StepResult> {
  const { run, step, index, cancellation } = call;
  const answer = await makeUntilSent(call, () => {
    const input = validate(sessionsSendInput, { ...given, ...decided(call), idempotencyKey: keyOf(call) });
    return sendToSession(run.parts, input, run.contextOf(step.id, index, cancellation));
  });
  if (answer.reply !== "done") throw unfinished(step);
  return { reply: "done", value: answer.result ?? null, instance: answer.instance };
}

async function close({ run }: StepCall, given: Record<string, Json>): Promise<StepResult> {
  const input = validate(sessionsCloseInput, given);
  const { createdBy } = run.open.run;
  const known = await run.parts.records.find(input.sessionId);
  // One that is closed already needs no closing: a process that died may have done it.
  if (known?.session.createdBy === createdBy && known.session.closedAt !== undefined)
    return { reply: "done", value: input.sessionId };
  const { sessionId, instance } = await closeSession(run.parts, input, {});
  return { reply: "done", value: sessionId, instance };
}
