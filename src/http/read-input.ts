import type { FastifyRequest } from "fastify";
import type * as z from "zod";
import { OrchestratorError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import { validate } from "../core/validate.ts";
import { hasBody, type Operation } from "./operation.ts";

const OTHER_NAME = { targets: "instances", instances: "targets" } as const;

/**
 * The input of an operation: the body where there is one, else the query, and the id of its path.
 *
 * @throws OrchestratorError `bad_request` that names the first wrong field.
 */
export function readInput<I extends z.ZodType>(
  operation: Operation<I>,
  request: FastifyRequest,
): z.output<I> {
  const { idField, targetField, input } = operation;
  const given = hasBody(operation) ? bodyOf(request) : queryOf(request, input);
  const fields: Record<string, unknown> = { ...given };
  const other = targetField && OTHER_NAME[targetField];
  if (targetField && other && other in fields && !(targetField in fields)) {
    fields[targetField] = fields[other];
    delete fields[other];
  }
  if (idField) fields[idField] = (request.params as { id: string }).id;
  return validate(input, fields);
}

function bodyOf({ body }: FastifyRequest): Record<string, unknown> {
  if (body === undefined || body === null) return {};
  if (isObject(body)) return body;
  throw new OrchestratorError("bad_request", "The body is no JSON object.", { delivery: "not_sent" });
}

/** Text of the query as what its field takes: numbers and booleans are written as text there. */
function queryOf({ query }: FastifyRequest, input: z.ZodType): Record<string, unknown> {
  const fields = Object.entries(query as Record<string, string | string[]>);
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name,
      typeof value === "string" ? readText(value, kindOf(input, name)) : value,
    ]),
  );
}

function readText(text: string, kind: string | undefined): unknown {
  if (kind === "number" && text.trim() !== "" && !Number.isNaN(Number(text))) return Number(text);
  if (kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** Zod's name for the type of one field of an object, without what wraps it. */
function kindOf(input: z.ZodType, name: string): string | undefined {
  const { shape } = input as z.ZodObject;
  let field = Object.hasOwn(shape, name) ? (shape[name] as z.ZodType) : undefined;
  for (;;) {
    const inner = (field?.def as { innerType?: z.ZodType } | undefined)?.innerType;
    if (inner === undefined) return field?.def.type;
    field = inner;
  }
}
