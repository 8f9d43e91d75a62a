import * as z from "zod";
import { HEALTH_STATES } from "../core/health.ts";
import { PROTOCOLS } from "../core/protocol.ts";
import { keptAnswer } from "../core/request-fields.ts";
import { RUN_OPERATIONS } from "../core/run.ts";
import { ON_INSTANCE_DOWN } from "../core/session.ts";
import { aggregate, fanout } from "./aggregate-schemas.ts";
import {
  capabilities,
  counts,
  delivery,
  dryRun,
  elapsedMs,
  error,
  explanation,
  json,
  outcome,
  reply,
  runId,
  survivesExit,
  time,
  usage,
  warnings,
} from "./answer-fields.ts";

export { aggregate, fanout };

// What the answers of the Orchestrator API look like, for the OpenAPI document; a test holds real answers
// against these. Fields may be added, so objects are open.

export const errorEnvelope = z.looseObject({ error });

const attempt = z.looseObject({
  instance: z.string(),
  delivery,
  reply,
  startedAt: time,
  elapsedMs,
  error: error.optional(),
});

export const delegate = z
  .looseObject({
    runId,
    instance: z.string().optional(),
    delivery,
    reply: z.enum(["done", "pending"]),
    result: json.optional(),
    attempts: z.array(attempt),
    explanation,
    usage,
    survivesExit,
    warnings,
  })
  .or(dryRun);

export const spawn = z.looseObject({
  sessionId: z.string(),
  instance: z.string(),
  token: z.string().describe("Opens this one session, in place of a key."),
});

export const send = z.looseObject({
  runId,
  sessionId: z.string(),
  instance: z.string(),
  seq: z.int().optional(),
  delivery,
  reply: z.enum(["done", "pending"]),
  result: json.optional(),
  usage,
  survivesExit,
  warnings,
});

export const session = z.looseObject({
  sessionId: z.string(),
  instance: z.string(),
  state: z.enum(["open", "closed"]),
  messages: z.int(),
  onInstanceDown: z.enum(ON_INSTANCE_DOWN),
  createdAt: time,
  createdBy: z.string(),
});

export const history = session.extend({
  transcript: z.array(
    z.looseObject({
      seq: z.int().optional(),
      runId: runId.optional(),
      instance: z.string().optional(),
      at: time,
      data: json.optional(),
      delivery: delivery.optional(),
      reply: reply.optional(),
      result: json.optional(),
      error: error.optional(),
      kind: z.literal("moved").optional(),
    }),
  ),
  next: z.int().optional(),
  remote: z
    .looseObject({
      messages: z.array(z.looseObject({ role: z.string(), text: z.string(), at: time.optional() })),
      cut: z.boolean().optional(),
    })
    .optional()
    .describe("What the owner itself keeps of it, with `remote=true`."),
});

const instanceHealth = z.looseObject({
  state: z.enum(HEALTH_STATES),
  since: time.optional(),
  reason: z.string(),
  checkedAt: time.optional(),
  latencyMs: z.number().optional(),
  inFlight: z.int().optional(),
  protocol: z.enum(PROTOCOLS).optional(),
  capabilities: capabilities.optional(),
  tags: z.array(z.string()).optional(),
  source: z.enum(["config", "cluster"]).optional(),
  transitions: z.array(z.looseObject({})).optional(),
});

export const health = z.record(z.string(), z.enum(HEALTH_STATES).or(instanceHealth));

export const run = z.looseObject({
  runId,
  operation: z.enum(RUN_OPERATIONS),
  state: z.enum(["open", "ended"]),
  createdAt: time,
  endedAt: time.optional(),
  createdBy: z.string(),
  sessionId: z.string().optional(),
  counts,
  usage,
});

const step = z.looseObject({
  step: z.string(),
  state: z.enum(["waiting", "running", "done", "failed", "skipped", "cancelled"]),
  startedAt: time.optional(),
  elapsedMs,
  runIds: z.array(runId).describe("The runs of its calls."),
  items: z.looseObject({ total: z.int(), ended: z.int(), failed: z.int() }).optional(),
  usage,
  value: json.optional(),
  valueChars: z.int().optional(),
  error: error.optional(),
  fellBackTo: z.string().optional(),
});

export const orchestrate = z
  .looseObject({
    runId,
    reply: z.enum(["done", "failed", "cancelled", "pending"]),
    counts,
    steps: z.array(step),
    usage,
    value: json.optional(),
    error: error.optional(),
    survivesExit,
    warnings,
  })
  .or(dryRun);

export const runDetail = run.extend({
  steps: z.array(step).optional().describe("Of a plan."),
  outcomes: z.array(outcome),
  attempts: z.array(attempt),
  explanation,
  warnings,
});

export const runAnswer = z.looseObject({
  run: runDetail.describe("Without results."),
  stored: z.boolean().describe("Whether another process would find it."),
  keptUntil: time,
  cancelled: z.boolean().describe("Before it was done."),
  kept: keptAnswer.optional().describe("What was noted of it."),
  answer: delegate
    .or(send)
    .or(fanout)
    .or(orchestrate)
    .optional()
    .describe("Else, once nothing more is to come."),
  error: error.optional().describe("The same of a call that failed."),
});

export const kept = z.looseObject({ runId });

export const resultPage = z.looseObject({
  runId,
  instance: z.string().optional(),
  step: z.string().optional(),
  reply,
  offset: z.int(),
  text: z.string(),
  totalChars: z.int(),
  nextOffset: z.int().optional(),
});

export function page(item: z.ZodType): z.ZodType {
  return z.looseObject({ items: z.array(item), next: z.string().optional() });
}
