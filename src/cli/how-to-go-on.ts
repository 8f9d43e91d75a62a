import type { ConnectionOptions } from "./call-options.ts";
import { commandOf } from "./introduce.ts";
import { connectionFlags, connectionOf } from "./use-orchestrator.ts";

/** Of a call whose wait is over: whether its work survives this exit, and how to have its answer. */
export function howToGoOn(
  { runId, survivesExit, steps }: { runId: string; survivesExit?: boolean; steps?: unknown },
  options: ConnectionOptions,
  program: string,
): string {
  const connection = connectionOf(options);
  const wait = `${commandOf(program)} runs wait ${runId}${connectionFlags(connection)}`;
  if (connection.url !== undefined) return `The work goes on at the server. Wait for it with: ${wait}`;
  if (survivesExit !== false)
    return `The work goes on at its instances after this exit. Wait for it with: ${wait}`;
  if (steps !== undefined)
    return `What has been sent goes on at its instances; the plan itself goes on with the next process on this state folder, such as: ${wait}`;
  return `Not all of the work survives this exit: what has not reached its instance by now is not sent any more, and an instance that cannot be asked later keeps its answer. See what there is with: ${wait}`;
}
