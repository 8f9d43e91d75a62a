import type { AggregateAnswer } from "../../core/answers.ts";
import { aggregateInput } from "../../core/requests.ts";
import { partially, showAggregate } from "../aggregates.ts";
import { WORKS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import * as outputs from "../outputs.ts";
import type { Response } from "../respond.ts";
import type { Room } from "../room.ts";
import { plural } from "../words.ts";

export const aggregate = defineTool({
  name: "aggregate",
  title: "Combine answers",
  description: `Makes one answer of stored runs' replies, or of replies handed in; only reduce and judge send anything.
USE WHEN a fanout has answered and you want its answers combined, or combined in another way.
NOT FOR asking anybody anew: fanout does that and combines in one call.`,
  annotations: WORKS,
  input: aggregateInput,
  output: outputs.aggregate.extend({ runId: outputs.runId }),
  results: "taken",
  example: { runId: "run-m3x9-Zk1", strategy: "merge" },
  call: (engine, input, context) => engine.aggregate(input, context),
  respond,
});

function respond(answer: AggregateAnswer, _: unknown, room: Room): Response {
  const { lines, without, view, cut } = showAggregate(answer, room);
  const { runId, runIds = runId === undefined ? [] : [runId] } = answer;
  const of = runIds.length === 0 ? "" : ` ${runIds.length === 1 ? "Run" : "Runs"} ${runIds.join(", ")}.`;
  const lacking = without.length === 0 ? "" : `${plural(without.length, "answer")} missing.`;
  const head = `${partially(answer)}${lacking}${of}`.trim();
  return { text: [...(head === "" ? [] : [head]), ...without, ...lines].join("\n"), structured: view, cut };
}
