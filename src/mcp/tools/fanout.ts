import * as z from "zod";
import type { AggregateAnswer, DryRunAnswer, FanoutAnswer } from "../../core/answers.ts";
import { type FanoutInput, fanoutInput } from "../../core/requests.ts";
import { partially, showAggregate } from "../aggregates.ts";
import { WORKS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { dryRunResponse } from "../dry-run.ts";
import { awaitRest, showOutcomes, summary } from "../outcomes.ts";
import { aggregate, counts, outcomes, runId } from "../outputs.ts";
import { type Response, trimmedError, warningLines } from "../respond.ts";
import type { Room } from "../room.ts";
import { AS_DATA, errorLine, oneLine } from "../words.ts";

export const fanout = defineTool({
  name: "fanout",
  title: "Ask many at once",
  description: `Sends one task to every target at the same time and accounts for each of them; with aggregate, their answers become one.
USE WHEN several instances hold different parts of an answer, or you want several opinions.
NOT FOR work that must be done only once (delegate).`,
  annotations: WORKS,
  input: fanoutInput,
  output: z
    .looseObject({
      runId,
      complete: z.boolean(),
      timedOut: z.boolean(),
      counts,
      outcomes,
      aggregate,
    })
    .partial(),
  results: "advertised",
  example: { targets: ["A-H"], payload: { query: "retry" }, aggregate: { strategy: "rank-fusion" } },
  call: (engine, input, context) => engine.fanout(input, context),
  respond,
  runs: {
    operation: "fanout",
    // One that has enough answers is answered, though others are still to come.
    isPending: (answer) => "counts" in answer && answer.counts.pending > 0 && answer.timedOut,
  },
});

function respond(answer: FanoutAnswer | DryRunAnswer, { detail }: FanoutInput, room: Room): Response {
  if ("dryRun" in answer) return dryRunResponse(answer);
  const { runId, aggregate, aggregateError, ...rest } = answer;
  const combined = aggregate && showAggregate(aggregate, room);
  const shown = showOutcomes(runId, rest.outcomes, combined?.left ?? room);
  const part = aggregate ? partially(aggregate) : "";
  const heading = `${part}${summary(rest.counts)}. Run ${runId}.`;
  return {
    text: [
      rest.counts.pending > 0 ? `${heading} ${awaitRest(runId, rest.survivesExit)}` : heading,
      ...shown.troubles,
      ...(aggregateError ? [`No aggregate: ${errorLine(aggregateError)} → ${aggregateError.action}`] : []),
      ...(combined
        ? [...shown.done, ...unusedLines(aggregate), ...combined.lines]
        : quotations(shown.quoted)),
      ...warningLines(rest),
    ].join("\n"),
    structured: {
      runId,
      ...rest,
      outcomes: shown.views,
      ...(combined && { aggregate: combined.view }),
      ...(aggregateError && { aggregateError: trimmedError(aggregateError) }),
    },
    // Who asked for lengths alone, or for one answer of all, has what was asked for.
    cut: combined ? combined.cut : detail === "brief" ? [] : shown.cut,
  };
}

/** Those that are done and not in the aggregate all the same; the others stand among the troubles. */
function unusedLines({ missing }: AggregateAnswer): string[] {
  return missing.flatMap(({ instance, why }) =>
    why === undefined ? [] : [`${instance} is not in it: ${oneLine(why)}`],
  );
}

function quotations(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`What they answered, ${AS_DATA}`, ...lines];
}
