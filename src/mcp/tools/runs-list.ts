import * as z from "zod";
import { runsListInput } from "../../core/requests.ts";
import { READS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { summary } from "../outcomes.ts";
import { run } from "../outputs.ts";
import { listing } from "../words.ts";

export const runsList = defineTool({
  name: "runs_list",
  title: "List runs",
  description: `Lists stored runs (delegate, fanout, orchestrate, sessions_send), the newest first, with how far each is.
USE WHEN you look for a runId.
NOT FOR the answers of one run (runs_get).`,
  annotations: READS,
  input: runsListInput,
  output: z.looseObject({ items: z.array(z.looseObject(run)), next: z.string().optional() }),
  example: { limit: 10 },
  call: (engine, input) => engine.runsList(input),
  respond: (page, { after }) => ({
    text: listing(
      "runs_list",
      "run",
      page,
      ({ runId, operation, state, createdAt, createdBy, counts }) =>
        `${runId}: ${operation}, ${state}, ${summary(counts)}, ${createdAt}, by ${createdBy}`,
      after,
    ),
    structured: page,
  }),
});
