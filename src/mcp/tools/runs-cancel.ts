import * as z from "zod";
import { runsCancelInput } from "../../core/requests.ts";
import { ENDS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { outcomes, run } from "../outputs.ts";
import { runResponse } from "../run-details.ts";

export const runsCancel = defineTool({
  name: "runs_cancel",
  title: "Cancel a run",
  description: `Stops a run at its instances and says what became of the work at each: cancelled, done before, or unknown.
USE WHEN work in progress is no longer wanted.
NOT FOR ending a conversation (sessions_close).`,
  annotations: ENDS,
  input: runsCancelInput,
  output: z.looseObject({ ...run, outcomes }),
  example: { runId: "run-m3x9-Zk1" },
  call: (engine, input) => engine.runsCancel(input),
  respond: (answer, _, room) => runResponse(answer, room),
});
