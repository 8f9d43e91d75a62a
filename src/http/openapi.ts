import * as z from "zod";
import { errorEnvelope } from "./answer-schemas.ts";
import { hasBody, type Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { BASES } from "./orchestrator-api.ts";

type JsonSchema = Record<string, unknown>;

interface ObjectSchema {
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

/** The OpenAPI 3.1 document of the Orchestrator API, derived from the schemas that its routes use. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    const path = `${BASES[0]}/${operation.path.replace(":id", `{${operation.idField}}`)}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  paths[`${BASES[0]}/runs/{runId}/events`] = { get: EVENTS };
  paths[`${BASES[0]}/changes`] = { get: CHANGES };
  return {
    openapi: "3.1.0",
    info: {
      title: "Orchestrator",
      version,
      description: `Runs a fleet of agent instances. Every path answers below ${BASES.join(" and ")}.`,
    },
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "ORCHESTRATOR_API_KEY, or a session's token." },
      },
      schemas: { Error: schemaOf(errorEnvelope, "output") },
      responses: {
        Error: {
          description: "What happened, to whom, and what to do next.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
    },
  };
}

const RUN_ID = { name: "runId", in: "path", required: true, schema: { type: "string" } };

const EVENTS = {
  operationId: "runs_events",
  summary: "A run's outcomes as they end, then its end, as server-sent events.",
  parameters: [
    RUN_ID,
    {
      name: "Last-Event-ID",
      in: "header",
      description: "The id of the last event that was seen.",
      schema: { type: "string", pattern: "^[0-9a-f]{1,4096}$" },
    },
  ],
  responses: {
    200: {
      description: "Events `working`, `outcome` or `step`, and `end`, their data JSON.",
      content: { "text/event-stream": { schema: { type: "string" } } },
    },
    default: { $ref: "#/components/responses/Error" },
  },
};

const CHANGES = {
  operationId: "changes",
  summary: "What changes of the fleet, of runs and of sessions from now on, as server-sent events.",
  responses: {
    200: {
      description: "Events `change`, their data JSON.",
      content: { "text/event-stream": { schema: { type: "string" } } },
    },
    default: { $ref: "#/components/responses/Error" },
  },
};

function describe(operation: Operation): object {
  const { name, summary, input, answer, idField, aliases = [], scope } = operation;
  const schema = schemaOf(input, "input");
  const parameters = parametersOf(schema, idField).filter(
    (parameter) => !hasBody(operation) || parameter.in === "path",
  );
  const also = aliases.map((alias) => ` Also \`${alias}\`.`).join("");
  return {
    operationId: name,
    summary,
    description: `Needs the scope \`${scope}\`.${also}`,
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody(operation) && {
      requestBody: { required: true, content: { "application/json": { schema: without(schema, idField) } } },
    }),
    responses: {
      ...answersOf(operation, schemaOf(answer, "output")),
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function answersOf({ name, method }: Operation, schema: JsonSchema): object {
  const content = { "application/json": { schema } };
  if (name === "sessions_spawn") return { 201: { description: "The open session.", content } };
  const done = { 200: { description: "What came of it.", content } };
  if (method !== "POST") return done;
  return { ...done, 202: { description: "Still being worked on: a handle, by its `runId`.", content } };
}

/** The fields of an input as parameters: its id in the path, the others in the query. */
function parametersOf(schema: JsonSchema, idField: string | undefined): { in: string }[] {
  const { properties = {}, required = [] } = schema as ObjectSchema;
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: name === idField ? "path" : "query",
      required: name === idField || required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

/** The same object without what the path says. */
function without(schema: JsonSchema, field: string | undefined): JsonSchema {
  if (field === undefined) return schema;
  const { properties = {}, required = [] } = schema as ObjectSchema;
  const { [field]: _, ...rest } = properties;
  return { ...schema, properties: rest, required: required.filter((name) => name !== field) };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema;
  return strip(rest);
}

/** Without `plain`, which says how a tool for models shows a field. */
function strip<T>(value: T): T {
  if (Array.isArray(value)) return value.map(strip) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (key === "plain" ? [] : [[key, strip(inner)]])),
  ) as T;
}
