import { covers, SCOPES, type Scope } from "../../src/core/keys.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import type { Operation } from "../../src/http/operation.ts";
import { OPERATIONS } from "../../src/http/operations.ts";
import { defaultOf, type JsonSchema, typeOf } from "./json-schema.ts";
import { code, codes, table } from "./markdown.ts";

// The REST API, from the operations that its routes are made of and the document at /openapi.json.

const BASE = "/api/orchestrator/";

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

interface Described {
  operationId: string;
  summary: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
}

const paths = (openApiDocument("") as { paths: Record<string, Record<string, Described>> }).paths;
const described = new Map(
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => [call.operationId, { ...call, path, method }] as const),
  ),
);

export function hasCall(name: string): boolean {
  return described.has(name);
}

function callOf(name: string) {
  const call = described.get(name);
  if (!call) throw new Error(`No call of the REST API is named ${name}.`);
  return call;
}

/** Such as `GET runs/:id`. */
export function pathOf(name: string): string {
  const { method, path } = callOf(name);
  return `${method.toUpperCase()} ${path.slice(BASE.length).replaceAll(/\{\w+\}/g, ":id")}`;
}

/** Every call, those of the table of operations first. */
export function restCalls(): string {
  const known = new Map(OPERATIONS.map((operation) => [operation.name, operation]));
  const rows = [...described.values()].map(({ operationId, summary }) => {
    const operation = known.get(operationId);
    const aliases = (operation?.aliases ?? []).map((alias) => `, also ${code(alias)}`).join("");
    return [
      `${code(pathOf(operationId))}${aliases}`,
      scopeOf(operation ?? (STREAMS[operationId] as Needs)),
      summary,
    ];
  });
  return table(["call", "scope", "what it does"], rows);
}

type Needs = Pick<Operation, "scope" | "sessionToken">;

/** What streams need: events are read as the run itself is. */
const STREAMS: Record<string, Needs> = {
  runs_events: { scope: "read", sessionToken: true },
  changes: { scope: "read" },
};

function scopeOf({ scope, sessionToken }: Needs): string {
  return `${code(scope)}${sessionToken ? " or a session's token" : ""}`;
}

/** The fields of one call, by its name in the table of operations. */
export function restFields(name: string): string {
  const { parameters = [], requestBody } = callOf(name);
  const body = requestBody?.content["application/json"]?.schema;
  const rows = body
    ? Object.entries(body.properties ?? {}).map(([field, schema]) =>
        row({ name: field, required: body.required?.includes(field) ?? false, schema }),
      )
    : parameters.map((parameter) => row(parameter));
  return table(["field", "type", "default", "what it says"], rows);
}

function row({
  name,
  required,
  schema,
  description = schema.description,
  in: place,
}: Partial<Parameter> & Pick<Parameter, "name" | "schema">): string[] {
  const where =
    place === "path" ? " (in the path)" : place === "header" ? " (header)" : required ? " (required)" : "";
  return [`${code(name)}${where}`, typeOf(schema), defaultOf(schema), description ?? ""];
}

/** Calls that need a scope and stand in no table of operations. */
const OTHER_CALLS: Record<Scope, readonly string[]> = {
  read: ["a run's events", "`GET changes`", "`GET /api/cluster/members`"],
  send: ["the Instance API"],
  register: ["`/api/cluster/register`", "`/api/cluster/leases/:id`"],
  admin: ["none alone: it shows what other keys made"],
};

/** What each scope covers, and which calls need it. */
export function scopes(): string {
  return table(
    ["scope", "covers", "needed by"],
    SCOPES.map((scope) => {
      const calls = OPERATIONS.filter((operation) => operation.scope === scope);
      return [
        code(scope),
        codes(SCOPES.filter((other) => covers([scope], other))),
        [...calls.map(({ name }) => code(name)), ...OTHER_CALLS[scope]].join(", "),
      ];
    }),
  );
}
