import type { AggregateAnswer } from "../../core/answers.ts";
import { aggregateInput } from "../../core/requests.ts";
import { showAggregate } from "../aggregates.ts";
import { READS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import * as outputs from "../outputs.ts";
import type { Response } from "../respond.ts";
import { errorLine } from "../words.ts";

export const aggregate = defineTool({
  name: "aggregate",
  title: "Combine answers",
  description: `Makes one answer of a stored run's replies, or of replies handed in; nothing is sent.
USE WHEN a fanout has answered and you want its answers combined, or combined in another way.
NOT FOR asking anybody: fanout does that and combines in one call.`,
  annotations: READS,
  input: aggregateInput,
  output: outputs.aggregate.extend({ runId: outputs.runId }),
  example: { runId: "run-m3x9-Zk1", strategy: "merge" },
  call: (engine, input) => engine.aggregate(input),
  respond,
});

function respond(answer: AggregateAnswer): Response {
  const { lines, view } = showAggregate(answer);
  const missing = answer.missing.map(
    ({ instance, reply, error }) => `${instance} is not in it: ${error ? errorLine(error) : reply}`,
  );
  const of = answer.runId === undefined ? [] : [`Run ${answer.runId}.`];
  return { text: [...of, ...missing, ...lines].join("\n"), structured: view };
}
