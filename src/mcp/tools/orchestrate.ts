import * as z from "zod";
import type { DryRunAnswer } from "../../core/answers.ts";
import type { OrchestrateAnswer } from "../../core/plan-answers.ts";
import { orchestrateInput } from "../../core/requests.ts";
import { WORKS } from "../annotations.ts";
import { defineTool } from "../define-tool.ts";
import { awaitRest } from "../outcomes.ts";
import { runId } from "../outputs.ts";
import { type Response, trimmedError, warningLines } from "../respond.ts";
import type { Room } from "../room.ts";
import { showSteps, stepSummary } from "../steps.ts";
import { AS_DATA, errorLine } from "../words.ts";

export const orchestrate = defineTool({
  name: "orchestrate",
  title: "Run a plan",
  description: `Works through a plan: steps (delegate, fanout, aggregate, session) that need one another and use what earlier ones came to, as \${steps.id.value}; it survives a restart, and a failed one is resumed.
USE WHEN work has several steps that depend on each other, or one is to be done for each item of a list (forEach).
NOT FOR a single task (delegate) or question (fanout).`,
  annotations: WORKS,
  input: orchestrateInput,
  output: z
    .looseObject({
      runId,
      reply: z.enum(["done", "failed", "cancelled", "pending"]),
      steps: z.array(z.looseObject({ step: z.string(), state: z.string() })),
    })
    .partial(),
  results: "taken",
  example: {
    steps: [
      {
        id: "find",
        fanout: { targets: ["A-H"], payload: { query: "retry" } },
      },
      {
        id: "sum",
        needs: ["find"],
        delegate: { instances: ["A"], payload: { message: "Sum up: ${steps.find.value}" } },
      },
    ],
  },
  call: (engine, input, context) => engine.orchestrate(input, context),
  respond,
  runs: {
    operation: "orchestrate",
    isPending: (answer) => "reply" in answer && answer.reply === "pending",
    // What the first call was answered with stays what it was.
    isNew: ({ resume }) => resume === undefined,
  },
});

function respond(answer: OrchestrateAnswer | DryRunAnswer, _: unknown, room: Room): Response {
  if ("dryRun" in answer) {
    const { notes = [] } = answer.explanation;
    return { text: ["The plan is good. Nothing was sent.", ...notes].join("\n"), structured: answer };
  }
  const { runId: id, reply, counts, error, value, ...rest } = answer;
  const shown = showSteps(id, answer.steps, room, value);
  const heading = `The plan is ${reply === "pending" ? "under way" : reply}: ${stepSummary(counts)}. Run ${id}.`;
  return {
    text: [
      reply === "pending" ? `${heading} ${awaitRest(id, rest.survivesExit)}` : heading,
      ...(error ? [`${errorLine(error)} → ${error.action}`] : []),
      ...shown.lines,
      ...(shown.value === undefined ? [] : [`What it came to, ${AS_DATA}`, shown.value]),
      ...warningLines(answer),
    ].join("\n"),
    structured: {
      ...{ runId: id, reply, counts },
      ...rest,
      steps: shown.views,
      ...shown.fields,
      ...(error && { error: trimmedError(error) }),
    },
  };
}
