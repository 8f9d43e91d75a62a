import * as z from "zod";
import { aggregateSpec, minSuccess } from "./aggregate-requests.ts";
import { BALANCING_STRATEGIES } from "./balancing.ts";
import { budgetSchema } from "./budget.ts";
import { duration, durationOrZero } from "./duration.ts";
import { nameSchema } from "./instance.ts";
import { plainSteps, planFields, planStep } from "./plan.ts";
import { anyJson, json, keptAnswer, keyText, payload, selector } from "./request-fields.ts";
import { ON_INSTANCE_DOWN } from "./session.ts";

// The input of every operation, once: MCP tools, routes and commands are derived from these.
// `.meta({ plain })` is what a face for models shows where a schema accepts more than one type.

export { type AggregateInput, aggregateInput } from "./aggregate-requests.ts";

const runOptions = {
  timeout: duration.optional().describe('Deadline of the work, e.g. "10m"; passing it cancels.'),
  wait: durationOrZero
    .optional()
    .describe('How long this call stays open, e.g. "30s"; the work goes on, runs_get reads it.'),
};

const retries = z
  .number()
  .int()
  .min(0)
  .max(10)
  .optional()
  .describe("Rounds of retries, where safe; default 3.");

const idempotent = z
  .boolean()
  .default(false)
  .describe("True if doing it twice is harmless: it may go elsewhere after an unknown delivery.");

const repetition = {
  idempotencyKey: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("Your own key: the same again is answered with the same run."),
  // Where it matters, the answer says so: a tool need not show it.
  fresh: z
    .boolean()
    .default(false)
    .describe("Never answer with an earlier identical call's run.")
    .meta({ plain: false }),
};

const budget = budgetSchema.optional().describe("What it may spend: nothing more is begun after that.");

const dryRun = z.boolean().default(false).describe("Only explain who would be asked, and why.");
export const delegateInput = z.strictObject({
  instances: selector
    .optional()
    .describe('Candidates in order, e.g. ["A","B"] or ["tag:search"]; one does the task.'),
  payload,
  ...runOptions,
  retries,
  idempotent,
  ...repetition,
  fallback: z
    .enum(["listed", "any", "none"])
    .default("listed")
    .describe("Who may take over: the other listed ones, any healthy instance, or nobody."),
  pick: z.enum(BALANCING_STRATEGIES).default("ordered").describe("Who of a pool goes first."),
  budget: budget.meta({ plain: false }),
  dryRun,
});
export type DelegateInput = z.output<typeof delegateInput>;

export const fanoutInput = z.strictObject({
  targets: selector.optional().describe('Who is asked, e.g. ["A-H"], ["tag:search"], or ["*"] for all.'),
  payload,
  payloads: z
    .record(nameSchema, json)
    .optional()
    .describe("A payload of its own, by instance name.")
    .meta({ plain: { type: "object", properties: { A: anyJson } } }),
  aggregate: aggregateSpec
    .optional()
    .describe("Makes one answer of all; other options as the tool aggregate takes them."),
  ...runOptions,
  retries,
  ...repetition,
  minReplies: z.number().int().min(1).optional().describe("Stop waiting after so many replies; default all."),
  stall: duration.optional().describe('Stop waiting when nobody new has answered for so long, e.g. "10s".'),
  minSuccess,
  cancelRest: z
    .boolean()
    .optional()
    .describe("Cancel what is out when the waiting ends; default only once a quorum is met."),
  detail: z.enum(["full", "brief"]).default("full").describe("brief: lengths in the place of results."),
  confirmed: z.boolean().default(false).describe('True: "*" is meant, however many it picks.'),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(64)
    .describe("How many are asked at once.")
    .meta({ plain: false }),
  budget,
  dryRun,
});
export type FanoutInput = z.output<typeof fanoutInput>;

const sessionId = nameSchema.describe("The session's name, e.g. session1.");
/** For programs and for who was handed a session: the list of tools need not show it. */
const token = z
  .string()
  .optional()
  .describe("The session's token, in place of the server's key.")
  .meta({ plain: false });

export const sessionsSpawnInput = z.strictObject({
  sessionId,
  instance: selector
    .optional()
    .describe("Who may own it; one healthy instance is picked. Default: any of the fleet.")
    .meta({ plain: { type: "string" } }),
  onInstanceDown: z
    .enum(ON_INSTANCE_DOWN)
    .default("fail")
    .describe("When its owner is down: fail, or migrate to a healthy instance with the history as context."),
  withToken: z
    .boolean()
    .default(false)
    .describe("Also return the token, for handing the session on.")
    .meta({ plain: false }),
});
export type SessionsSpawnInput = z.output<typeof sessionsSpawnInput>;

export const sessionsSendInput = z.strictObject({
  sessionId,
  data: json
    .default(null)
    .describe('The message, as JSON; plain text goes as {"message": "…"}.')
    .meta({ plain: anyJson }),
  token,
  queue: z.boolean().default(true).describe("False: refuse with session_busy rather than wait for its turn."),
  ...runOptions,
  ...repetition,
});
export type SessionsSendInput = z.output<typeof sessionsSendInput>;

export const orchestrateInput = z
  .strictObject({
    ...planFields,
    steps: z
      .array(planStep)
      .min(1)
      .max(1_000)
      .optional()
      .describe("Each has an id, what it needs, and one of delegate, fanout, aggregate, session.")
      .meta({ plain: plainSteps }),
    resume: keyText
      .min(1)
      .max(128)
      .optional()
      .describe("The runId of a plan that failed: goes on there, with these steps if given."),
    ...runOptions,
    ...repetition,
    dryRun,
  })
  .refine((input) => input.steps !== undefined || input.resume !== undefined, {
    error: "give steps, or resume with the runId of a plan that failed",
    path: ["steps"],
  });
export type OrchestrateInput = z.output<typeof orchestrateInput>;

const page = {
  limit: z.number().int().min(1).max(1000).default(50).describe("At most so many."),
  after: keyText.min(1).optional().describe("Where the page before ended: its `next`."),
};

export const sessionsListInput = z.strictObject({ ...page });
export type SessionsListInput = z.output<typeof sessionsListInput>;

export const sessionsHistoryInput = z.strictObject({
  sessionId,
  token,
  limit: page.limit,
  after: z.number().int().min(0).optional().describe("Only messages after this sequence number."),
  remote: z.boolean().default(false).describe("Also what the owner itself keeps (openclaw)."),
});
export type SessionsHistoryInput = z.output<typeof sessionsHistoryInput>;

export const sessionsCloseInput = z.strictObject({ sessionId, token });
export type SessionsCloseInput = z.output<typeof sessionsCloseInput>;

export const healthInput = z.strictObject({
  instances: selector.optional().describe('Who is checked, e.g. ["A-H"]; default the whole fleet.'),
  detail: z.boolean().default(false).describe("Also since when, why, latency and tags of each."),
});
export type HealthInput = z.output<typeof healthInput>;

const runId = keyText.min(1).max(128).describe("The run's id, as a call returned it.");

export const runsGetInput = z.strictObject({
  runId,
  wait: durationOrZero.optional().describe('Wait so long for an open run, e.g. "30s".'),
  instance: nameSchema.optional().describe("Only this instance's result, whole, in pages."),
  step: z.string().min(1).max(64).optional().describe("Of a plan: only this step's value."),
  value: z.boolean().optional().describe("Of a plan: only its value."),
  offset: z.number().int().min(0).default(0).describe("Where the page begins, in characters."),
});
export type RunsGetInput = z.output<typeof runsGetInput>;

export const runsEventsInput = z.strictObject({
  runId,
  after: z
    .string()
    .regex(/^[0-9a-f]{1,4096}$/, { error: "expected the id of an event" })
    .optional()
    .describe("The id of the last event that was seen; what was told by then is not told again."),
});
export type RunsEventsInput = z.output<typeof runsEventsInput>;

export const changesInput = z.strictObject({});

export const runsListInput = z.strictObject({ ...page });
export type RunsListInput = z.output<typeof runsListInput>;

export const runsCancelInput = z.strictObject({ runId });
export type RunsCancelInput = z.output<typeof runsCancelInput>;

export const runsAnswerInput = z.strictObject({ runId });
export type RunsAnswerInput = z.output<typeof runsAnswerInput>;

export const keepAnswerInput = z.strictObject({
  runId,
  answer: keptAnswer.describe("What the call was answered with, as MCP tells it of a task that has ended."),
});
export type KeepAnswerInput = z.output<typeof keepAnswerInput>;
