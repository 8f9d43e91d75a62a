import { Ajv2020 } from "ajv/dist/2020.js";
import { openApiDocument } from "../../../src/http/openapi.ts";
import type { Operation } from "../../../src/http/operation.ts";

export type Schema = Record<string, unknown>;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

interface Content {
  content?: Record<string, { schema: Schema }>;
}

export interface Described {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: Content;
  responses: Record<string, Content & { $ref?: string }>;
}

interface OpenApi {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Content> };
}

export const OPENAPI = openApiDocument("0.0.0") as OpenApi;

/** One call, as the document describes it. */
export interface Call extends Described {
  method: Operation["method"];
  path: string;
  parameters: Parameter[];
  /** Of the body, where there is one. */
  body: Schema | undefined;
}

const JSON_TYPE = "application/json";

/** Every call of the document. */
export const CALLS = Object.entries(OPENAPI.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, call]): Call => ({
      ...call,
      ...{ method: method.toUpperCase() as Call["method"], path },
      parameters: call.parameters ?? [],
      body: call.requestBody?.content?.[JSON_TYPE]?.schema,
    }),
  ),
);

/** Whether its answer comes to an end by itself. */
export function ends({ operationId }: Call): boolean {
  return operationId !== "changes";
}

export function callNamed(operationId: string): Call {
  const call = CALLS.find((each) => each.operationId === operationId);
  if (!call) throw new Error(`the document has no ${operationId}`);
  return call;
}

/** The fields of a call: those of its body, else its parameters in the query. */
export function fieldsOf({ body, parameters }: Call): { name: string; schema: Schema }[] {
  if (!body) return parameters.filter((parameter) => parameter.in === "query");
  return Object.entries(body.properties as Record<string, Schema>).map(([name, schema]) => ({
    name,
    schema,
  }));
}

// Patterns say what formats say; the keywords of OpenAPI are no concern of a validator.
const ajv = new Ajv2020({ allErrors: true, strictTypes: false, validateFormats: false });

/** What is wrong with a value by a schema of the document; `undefined` if nothing is. */
export function faultOf(schema: Schema, value: unknown): string | undefined {
  const validate = ajv.compile(schema);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

/** The schema of an answer with this status; that of an error where the call lists none for it. */
export function answerSchema({ responses }: Call, status: number): Schema | undefined {
  const listed = responses[String(status)] ?? (status >= 400 ? responses.default : undefined);
  const response = listed?.$ref ? OPENAPI.components.responses[lastPart(listed.$ref)] : listed;
  const schema = response?.content?.[JSON_TYPE]?.schema;
  return schema?.$ref ? OPENAPI.components.schemas[lastPart(String(schema.$ref))] : schema;
}

function lastPart(ref: string): string {
  return ref.split("/").at(-1) ?? "";
}
