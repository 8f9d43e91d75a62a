import { z } from "zod";
import { runsGetInput } from "../../core/requests.ts";
import type { ResultPage } from "../../core/run-answers.ts";
import { READS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { outcomes, run } from "../outputs.ts";
import type { Response } from "../respond.ts";
import { runResponse } from "../run-details.ts";
import { AS_DATA, callOf, quote } from "../words.ts";

export const runsGet = defineTool({
  name: "runs_get",
  title: "Read a run",
  description: `Returns a run's state and every instance's answer; with instance (or, of a plan, step), that one's whole result in pages.
USE WHEN a call returned before all had answered (give wait), or an answer was cut (give instance and offset).
NOT FOR doing the work again, or finding a runId (runs_list).`,
  annotations: READS,
  input: runsGetInput,
  output: z.looseObject({ ...run, outcomes }),
  example: { runId: "run-m3x9-Zk1", wait: "30s" },
  call: (engine, input) => engine.runsGet(input),
  respond: (answer) => ("text" in answer ? pageResponse(answer) : runResponse(answer)),
});

function pageResponse(page: ResultPage): Response {
  const { runId, instance, step, reply, offset, text, totalChars, nextOffset } = page;
  const whose = step === undefined ? { instance } : { step };
  const name = step ?? instance ?? "";
  if (totalChars === 0) return { text: `${name} has no result in run ${runId}: ${reply}.`, structured: page };
  const end = offset + text.length;
  const more =
    nextOffset === undefined
      ? "This is the end of it."
      : `Read on with ${callOf("runs_get", { runId, ...whose, offset: nextOffset })}`;
  return {
    text: [
      `Characters ${offset} to ${end} of ${totalChars} of ${name}'s result, run ${runId}, ${AS_DATA}`,
      quote(text).trimStart(),
      more,
    ].join("\n"),
    structured: page,
  };
}
