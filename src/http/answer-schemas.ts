import { z } from "zod";
import { AGGREGATION_STRATEGIES } from "../core/aggregation/strategy.ts";
import { DELIVERIES, REPLIES } from "../core/delivery.ts";
import { ERROR_TABLE, type ErrorCode } from "../core/errors.ts";
import { HEALTH_STATES } from "../core/health.ts";
import { PROTOCOLS } from "../core/protocol.ts";
import { RUN_OPERATIONS } from "../core/run.ts";
import { ON_INSTANCE_DOWN } from "../core/session.ts";

// What the answers of the Orchestrator API look like, for the OpenAPI document; a test holds real answers
// against these. Fields may be added, so objects are open.

const json = z.unknown().describe("Any JSON.");
const delivery = z.enum(DELIVERIES);
const reply = z.enum(REPLIES);
const time = z.iso.datetime();
const runId = z.string();
const strategy = z.enum(AGGREGATION_STRATEGIES);

const error = z.looseObject({
  code: z.enum(Object.keys(ERROR_TABLE) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  action: z.string(),
  instance: z.string().optional(),
  runId: runId.optional(),
  delivery: delivery.optional(),
  retryable: z.boolean().describe("True only if the identical call cannot cause a second execution."),
  details: z.record(z.string(), z.unknown()).optional(),
});

export const errorEnvelope = z.looseObject({ error });

const warnings = z.array(z.string()).optional();
const survivesExit = z.boolean().optional();
const elapsedMs = z.number().optional();

const attempt = z.looseObject({
  instance: z.string(),
  delivery,
  reply,
  startedAt: time,
  elapsedMs,
  error: error.optional(),
});

const explanation = z.looseObject({
  order: z.array(z.string()).describe("Names in the order in which they are asked."),
  excluded: z.array(z.looseObject({ instance: z.string(), reason: z.string() })),
  pick: z.string().optional(),
  notes: z.array(z.string()).optional(),
});

const outcome = z.looseObject({
  instance: z.string(),
  delivery,
  reply,
  result: json.optional(),
  resultChars: z.int().optional().describe("Length of a result that is left out, to be read in pages."),
  error: error.optional(),
  elapsedMs,
});

const counts = z.looseObject({
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  pending: z.int(),
  cancelled: z.int(),
});

const dryRun = z.looseObject({
  dryRun: z.literal(true),
  operation: z.enum(["delegate", "fanout"]),
  explanation,
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
    survivesExit,
    warnings,
  })
  .or(dryRun);

export const aggregate = z.looseObject({
  strategy,
  value: json,
  sources: z.array(z.string()),
  dissent: z.array(z.looseObject({})).optional(),
  missing: z.array(z.looseObject({ instance: z.string(), reply, delivery, error: error.optional() })),
  complete: z.boolean(),
  runId: runId.optional(),
});

const collected = z
  .array(
    z.looseObject({
      instance: z.string(),
      reply,
      result: json.optional(),
      delivery: delivery.optional(),
      error: error.optional(),
    }),
  )
  .describe("With `aggregate: true`: one entry a target, in target order.");

export const fanout = z
  .looseObject({
    runId,
    complete: z.boolean(),
    timedOut: z.boolean(),
    counts,
    outcomes: z.array(outcome),
    aggregate: aggregate.optional(),
    aggregateError: error.optional(),
    survivesExit,
    warnings,
  })
  .or(collected)
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
});

const instanceHealth = z.looseObject({
  state: z.enum(HEALTH_STATES),
  since: time.optional(),
  reason: z.string(),
  checkedAt: time.optional(),
  latencyMs: z.number().optional(),
  inFlight: z.int().optional(),
  protocol: z.enum(PROTOCOLS).optional(),
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
});

export const runDetail = run.extend({
  outcomes: z.array(outcome),
  attempts: z.array(attempt),
  explanation,
  warnings,
});

export const resultPage = z.looseObject({
  runId,
  instance: z.string(),
  reply,
  offset: z.int(),
  text: z.string(),
  totalChars: z.int(),
  nextOffset: z.int().optional(),
});

export function page(item: z.ZodType): z.ZodType {
  return z.looseObject({ items: z.array(item), next: z.string().optional() });
}
