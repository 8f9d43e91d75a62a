import * as z from "zod";
import type { InstanceHealth } from "../../core/answers.ts";
import { OrchestratorError } from "../../core/errors.ts";
import { HEALTH_STATES } from "../../core/health.ts";
import { lacks } from "../../core/lacks.ts";
import { type HealthInput, healthInput } from "../../core/requests.ts";
import { transitionWords } from "../../core/transition-words.ts";
import type { Engine } from "../../engine/engine.ts";
import { defineTool } from "../define-tool.ts";
import type { Response } from "../respond.ts";
import { oneLine, plural, span } from "../words.ts";

export const health = defineTool({
  name: "health",
  title: "Who is there, and well",
  description: `Checks instances now; without arguments it lists the whole fleet with tags, protocol and state.
USE WHEN you need the names or tags to address, or a call failed and you want to know why.
NOT FOR asking before every task: delegate and fanout avoid the sick by themselves.`,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  input: healthInput,
  output: z.looseObject({
    summary: z.string(),
    instances: z.array(
      z.looseObject({
        instance: z.string(),
        state: z.enum(HEALTH_STATES),
        tags: z.array(z.string()).optional(),
      }),
    ),
  }),
  example: { instances: ["A-H"], detail: true },
  call: checked,
  respond,
});

/** The same for others who tell of the fleet. */
export async function healthResponse(engine: Engine, input: HealthInput): Promise<Response> {
  return respond(await checked(engine, input), input);
}

async function checked(engine: Engine, input: HealthInput): Promise<Answer> {
  const found = await engine.health(input);
  return { found, ...(found.length === 0 && { why: await whyEmpty(engine) }) };
}

interface Answer {
  found: InstanceHealth[];
  /** Why nothing was found. */
  why?: string;
}

/** Named as all of it, an empty fleet is an error, which says why it is empty and what to do. */
async function whyEmpty(engine: Engine): Promise<string> {
  const error = await engine.health({ instances: "*", detail: false }).catch(OrchestratorError.from);
  if (!(error instanceof OrchestratorError)) return "The fleet was empty a moment ago: call again.";
  return oneLine(`${error.message.replace('"*" picks no instance. ', "")} ${error.action}`);
}

function respond({ found, why }: Answer, { detail }: HealthInput): Response {
  const summary = why ?? summarize(found);
  const trimmed = found.map((each) => ({
    ...each,
    reason: oneLine(each.reason),
    ...(each.transitions && { transitions: each.transitions.slice(-MOST_TRANSITIONS) }),
  }));
  return {
    text: [
      summary,
      ...trimmed.flatMap((each) => [line(each, detail), ...(detail ? pastLines(each) : [])]),
    ].join("\n"),
    structured: { summary, instances: detail ? trimmed : trimmed.map(brief) },
  };
}

/** So much of its past tells a model what to think of an instance; `orchestrator health --detail` has all. */
const MOST_TRANSITIONS = 5;

/** What holds it off, since when it is as it is and who saw it, and what was before. */
function pastLines({ state, breaker, capabilities, transitions = [] }: InstanceHealth): string[] {
  const last = transitions.at(-1);
  const past = transitions
    .filter(({ to }) => to !== "healthy")
    .map((each) => ({
      when: each === last && each.to === state ? "now" : "before",
      words: oneLine(transitionWords(each), 1_000),
    }));
  const lacking = capabilities ? lacks(capabilities) : "";
  return [
    ...(lacking === "" ? [] : [`  its protocol has ${lacking}`]),
    ...(breaker ? [`  breaker ${breaker.state} since ${breaker.since}, until ${breaker.until}`] : []),
    ...past.toReversed().map(({ when, words }) => `  ${when}: ${words}`),
  ];
}

function summarize(found: readonly InstanceHealth[]): string {
  const states = HEALTH_STATES.flatMap((state) => {
    const count = found.filter((each) => each.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return `${plural(found.length, "instance")}: ${states.join(", ")}`;
}

/** What tells whom to ask; why is said of those alone that are not well. */
function brief({ instance, state, reason, protocol, tags }: InstanceHealth): object {
  return {
    instance,
    state,
    ...(state !== "healthy" && { reason }),
    ...(protocol && { protocol }),
    ...(tags && { tags }),
  };
}

function line(
  { instance, state, since, reason, latencyMs, protocol, tags = [] }: InstanceHealth,
  detail: boolean,
): string {
  const facts = [
    protocol,
    tags.length > 0 && `tags ${tags.join(" ")}`,
    detail && latencyMs !== undefined && span(latencyMs),
    (detail || state !== "healthy") && since !== undefined && `since ${since}`,
  ].filter((fact) => typeof fact === "string");
  const why = detail || state !== "healthy" ? `: ${reason}` : "";
  return `${instance} ${state}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}${why}`;
}
