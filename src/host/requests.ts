import type { FastifyRequest } from "fastify";
import * as z from "zod";
import { parseDuration } from "../core/duration.ts";
import { OrchestratorError } from "../core/errors.ts";
import { nameSchema } from "../core/instance.ts";
import type { Json } from "../core/json.ts";

/** A body is parsed JSON already, so any value in it is JSON. */
const json = z
  .unknown()
  .optional()
  .transform((value) => (value ?? null) as Json);

// Fields that are not known are ignored: hosts and orchestrators of different versions mix.
export const taskBody = z.object({ payload: json });
export const sessionBody = z.object({
  sessionId: nameSchema,
  epoch: z.number().int().min(0),
  history: z.array(z.object({ data: json, result: json })).default([]),
});
export const messageBody = z.object({
  data: json,
  seq: z.number().int().min(1),
  epoch: z.number().int().min(0),
});

/** @throws OrchestratorError `bad_request` that names the first wrong field. A body may be left out. */
export function parseBody<T extends z.ZodType>(schema: T, { body }: FastifyRequest): z.output<T> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") || "the body";
  throw badRequest(`${field}: ${issue?.message ?? "wrong"}.`);
}

const LONGEST_KEY = 512;

/** The caller's Idempotency-Key, if it sent one. */
export function idempotencyKey({ headers }: FastifyRequest): string | undefined {
  const key = headers["idempotency-key"];
  return key === undefined ? undefined : checkKey(String(key), "The header Idempotency-Key");
}

/** The key in `?key=`. */
export function queriedKey(request: FastifyRequest): string {
  return checkKey(queryOf(request, "key") ?? "", "The key in the query");
}

function checkKey(key: string, what: string): string {
  if (key.length > 0 && key.length <= LONGEST_KEY) return key;
  throw badRequest(`${what} must have 1 to ${LONGEST_KEY} characters.`);
}

/** A connection that is silent for longer is taken for dead (`server/`). */
const LONGEST_WAIT_MS = 60_000;

/** Milliseconds of `?wait=`, 0 without. */
export function queriedWait(request: FastifyRequest): number {
  const text = queryOf(request, "wait");
  if (text === undefined) return 0;
  const ms = parseDuration(text);
  if (ms === undefined) throw badRequest(`wait: "${text}" is neither seconds nor a time such as 500ms.`);
  return Math.min(ms, LONGEST_WAIT_MS);
}

/** Without a preference a caller gets its answer in the same call, if it does not take long. */
const USUAL_WAIT_MS = 20_000;

/** Milliseconds of `Prefer: wait=N`. A preference that is not understood is none (RFC 7240). */
export function preferredWait({ headers }: FastifyRequest): number {
  const text = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]+)/i.exec(String(headers.prefer ?? ""))?.[1];
  const ms = text === undefined ? undefined : parseDuration(text);
  return Math.min(ms ?? USUAL_WAIT_MS, LONGEST_WAIT_MS);
}

function queryOf({ query }: FastifyRequest, name: string): string | undefined {
  const value = (query as Record<string, string | string[] | undefined>)[name];
  return Array.isArray(value) ? value[0] : value;
}

function badRequest(message: string): OrchestratorError {
  return new OrchestratorError("bad_request", message);
}
