import * as z from "zod";
import { runsGetInput } from "../../core/requests.ts";
import { READS } from "../annotations.ts";
import { beginningsOf } from "../beginnings.ts";
import { defineTool } from "../define-tool.ts";
import { outcomes, run } from "../outputs.ts";
import { pageResponse } from "../pages.ts";
import { runResponse } from "../run-details.ts";

export const runsGet = defineTool({
  name: "runs_get",
  title: "Read a run",
  description: `Returns a run's state and every answer; with instance (of a plan: step or value) the whole of it in pages.
USE WHEN a call returned before all had answered (give wait), or an answer was cut (give instance and offset).
NOT FOR doing the work again, or finding a runId (runs_list).`,
  annotations: READS,
  input: runsGetInput,
  output: z.looseObject({ ...run, outcomes }),
  results: "advertised",
  example: { runId: "run-m3x9-Zk1", wait: "30s" },
  async call(engine, input) {
    const found = await engine.runsGet(input);
    return "text" in found ? { page: found } : { run: found, beginnings: await beginningsOf(engine, found) };
  },
  respond: ({ page, run, beginnings }, _, room) =>
    page ? pageResponse(page, room) : runResponse(run, room, beginnings),
});
