import * as z from "zod";
import { aggregateInput } from "./aggregate-requests.ts";
import { optionProblems } from "./aggregation/options.ts";
import { isObject, type Json } from "./json.ts";
import type { StepKind } from "./plan.ts";
import {
  delegateInput,
  fanoutInput,
  sessionsCloseInput,
  sessionsSendInput,
  sessionsSpawnInput,
} from "./requests.ts";
import { type Problem, problemsIn } from "./validate.ts";

// What the calls of a plan's steps take: what the calls of the same name take, without what the plan
// itself decides.

const DECIDED = { wait: true, timeout: true, retries: true, idempotencyKey: true, fresh: true } as const;

const delegateCall = delegateInput.omit({ ...DECIDED, dryRun: true });
const fanoutCall = fanoutInput.omit({ ...DECIDED, dryRun: true, detail: true });
const { timeout: _, wait: __, idempotencyKey: ___, ...aggregateFields } = aggregateInput.shape;
const aggregateCall = z
  .strictObject({
    ...aggregateFields,
    from: z.array(z.string()).min(1).optional().describe("Ids of the steps whose answers are combined."),
  })
  .superRefine((given, context) => {
    const sources = [given.from, given.runId, given.runIds, given.responses];
    if (sources.filter((source) => source !== undefined).length !== 1) {
      const message = "give one of from, with the ids of steps, responses, runId, runIds";
      context.addIssue({ code: "custom", path: ["from"], message });
    }
    for (const { option, message } of optionProblems(given))
      context.addIssue({ code: "custom", path: [option], message });
  });

/** What the calls of steps take that are sent to instances or combine what they said. */
export const STEP_CALLS = { delegate: delegateCall, fanout: fanoutCall, aggregate: aggregateCall };

/** What the calls of a session step take. */
export const SESSION_CALLS = {
  spawn: sessionsSpawnInput.omit({ withToken: true }),
  send: sessionsSendInput.omit({ wait: true, timeout: true, idempotencyKey: true, fresh: true, token: true }),
  close: sessionsCloseInput.omit({ token: true }),
};
/** Where fields belong that a call has by itself, and has not as a step. */
const ELSEWHERE: Record<string, string> = {
  timeout: "it is a field of the step",
  retries: "it is a field of the step",
  wait: "it is a field of the whole plan",
  dryRun: "it is a field of the whole plan",
  idempotencyKey: "the plan gives each call a key of its own",
  fresh: "the plan gives each call a key of its own",
};

/** The fields of a step's call, and what is wrong with them. */
export interface CheckedCall {
  fields: Record<string, Json>;
  /** Where they stand below the call: `.send`. */
  where: string;
  problems: Problem[];
}

/** @param at Where the call stands. */
export function checkCall(kind: StepKind, call: Record<string, Json>, at: string): CheckedCall {
  if (kind !== "session") return { fields: call, where: "", problems: wrongIn(STEP_CALLS[kind], call, at) };
  const [name, ...others] = Object.keys(call);
  const fields = name === undefined ? undefined : call[name];
  if (others.length === 0 && isSessionCall(name) && isObject(fields)) {
    const where = `.${name}`;
    return { fields, where, problems: wrongIn(SESSION_CALLS[name], fields, at + where) };
  }
  const problem = 'expected one of {"spawn":{…}}, {"send":{…}} or {"close":{…}}';
  return { fields: {}, where: "", problems: [{ at, problem }] };
}

function wrongIn(schema: z.ZodType, fields: Record<string, Json>, at: string): Problem[] {
  const { error } = schema.safeParse(fields);
  return problemsIn(schema, error?.issues ?? [], at).map((each) => {
    const name = each.at.slice(at.length + 1);
    if (!each.problem.startsWith("no such field") || !Object.hasOwn(ELSEWHERE, name)) return each;
    return { ...each, problem: `no such field here: ${ELSEWHERE[name]}` };
  });
}

function isSessionCall(name: string | undefined): name is keyof typeof SESSION_CALLS {
  return name !== undefined && Object.hasOwn(SESSION_CALLS, name);
}
