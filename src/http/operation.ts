import type * as z from "zod";
import type { CallContext } from "../core/context.ts";
import type { Scope } from "../core/keys.ts";
import type { Engine } from "../engine/engine.ts";

/** What a call came to, and what its answer's headers and its line in the log say. */
export interface Answered {
  status: 200 | 201 | 202;
  body: unknown;
  runId?: string | undefined;
  instance?: string | undefined;
}

/** One call of the Orchestrator API, from which its routes and its part of the OpenAPI document are made. */
export interface Operation<Input extends z.ZodType = z.ZodType> {
  /** Also its `operationId`. */
  name: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `/api/orchestrator` and `/orchestrator`, with `:id` for the parameter that `idField` names. */
  path: string;
  /** Other paths that do the same. */
  aliases?: readonly string[];
  idField?: "runId" | "sessionId";
  /** The field that `targets` and `instances` are both accepted for. */
  targetField?: "targets" | "instances";
  summary: string;
  scope: Scope;
  /** The scope that some calls of it need besides. */
  alsoNeeds?(input: z.output<Input>): Scope | undefined;
  /** A session's token will do in place of a key. */
  sessionToken?: true;
  input: Input;
  answer: z.ZodType;
  call(engine: Engine, input: z.output<Input>, context: CallContext): Promise<Answered>;
}

export function hasBody({ method }: Pick<Operation, "method">): boolean {
  return method === "POST" || method === "PUT";
}

/** Keeps the type of an operation's input to itself. */
export function operation<Input extends z.ZodType>(definition: Operation<Input>): Operation {
  return definition as unknown as Operation;
}
