import type { Tool as AdvertisedTool, ToolAnnotations } from "@modelcontextprotocol/server";
import type * as z from "zod";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import { DEFAULT_MCP_SETTINGS, type McpSettings } from "../core/mcp-settings.ts";
import type { RunOperation } from "../core/run.ts";
import { validate } from "../core/validate.ts";
import type { Engine } from "../engine/engine.ts";
import { rememberSent } from "./as-sent.ts";
import { LONGEST_WAIT_MS } from "./call-context.ts";
import { type PlainObject, plainInput, plainOutput, understoodInput } from "./plain-schema.ts";
import type { Response } from "./respond.ts";
import { RESULT_TOKENS, type Room, readResultTokens, roomFor } from "./room.ts";
import { understand } from "./understand.ts";

type Hint = "readOnlyHint" | "destructiveHint" | "idempotentHint" | "openWorldHint";

interface ToolDefinition<Input extends z.ZodType, Answer> {
  name: string;
  title: string;
  /** What it does, USE WHEN, NOT FOR; the example is added to it. */
  description: string;
  annotations: Required<Pick<ToolAnnotations, Hint>>;
  input: Input;
  /**
   * What programs find in every answer. Open JSON, such as an instance's result, is not declared: a
   * property of any type cannot be advertised as one type.
   */
  output: z.ZodType;
  /** Arguments of a valid call. */
  example: z.input<Input>;
  /**
   * Its answers carry what instances said, and a call may say with `resultTokens` how much of it: an argument
   * that is advertised where it is of most use, and taken everywhere.
   */
  results?: "advertised" | "taken";
  call(engine: Engine, input: z.output<Input>, context: CallContext): Promise<Answer>;
  respond(answer: Answer, input: z.output<Input>, room: Room): Response;
  /** Of a tool that makes runs: these, and whether an answer says that its run goes on. */
  runs?: {
    operation: RunOperation;
    isPending(answer: Answer): boolean;
    /** Whether this call makes one of its own; each does unless told otherwise. */
    isNew?(input: z.output<Input>): boolean;
  };
}

/** A call whose arguments are understood. */
export interface PreparedCall {
  /** How long its caller lets it stay open, in milliseconds, where that is said. */
  readonly waitMs: number | undefined;
  /** It makes a run, as which it can go on when it has been answered. */
  readonly makesRun: boolean;
  /** @param waitMs In place of what its caller says, which is kept to `LONGEST_WAIT_MS`. */
  answer(engine: Engine, context: CallContext, waitMs?: number): Promise<Told>;
}

export interface Told extends Response {
  /** The run that it belongs to goes on. */
  isPending: boolean;
}

/** A tool as far as a list of them needs it. */
export interface ListedTool {
  readonly name: string;
  /** It changes nothing anywhere. */
  readonly readOnly: boolean;
  /** Its entry in `tools/list`. */
  readonly advertised: AdvertisedTool;
}

export interface Tool extends ListedTool {
  /** What the runs are that it makes, if it does. */
  readonly operation: RunOperation | undefined;
  /**
   * @param settings What its answer has room for, unless the call asks for another number of tokens.
   * @throws OrchestratorError `bad_request`, which names the argument and shows a valid call.
   */
  prepare(sent: Record<string, unknown>, settings?: McpSettings): PreparedCall;
  /** What a stored run of its operation came to, told as to a call without wishes of its own. */
  retell(answer: object, settings?: McpSettings): Response;
}

/** Makes a tool of one use case: its entry in the list, and what happens when it is called. */
export function defineTool<Input extends z.ZodType, Answer>(definition: ToolDefinition<Input, Answer>): Tool {
  const { name, input, results } = definition;
  // Schemas are derived when they are first needed: a client that starts us may never call.
  let understood: PlainObject | undefined;
  let advertised: AdvertisedTool | undefined;
  return {
    name,
    readOnly: definition.annotations.readOnlyHint,
    get advertised() {
      advertised ??= advertise(definition);
      return advertised;
    },
    operation: definition.runs?.operation,
    prepare(sent, settings = DEFAULT_MCP_SETTINGS) {
      understood ??= withResultTokens(understoodInput(input), results !== undefined);
      const args = understand(sent, understood);
      // How an answer is shown is no part of the call: the same work with more room for it is the same work.
      const { resultTokens, ...rest } = args;
      const work = results ? rest : args;
      const { parsed, asked } = explained(definition, () => ({
        parsed: validate(input, work),
        asked: results && readResultTokens(resultTokens),
      }));
      return preparedCall(definition, parsed, { sent: work, room: roomFor(settings, asked), settings });
    },
    retell(answer, settings = DEFAULT_MCP_SETTINGS) {
      const asked = validate(input, definition.example);
      return told(definition.respond(answer as Answer, asked, roomFor(settings)), settings);
    },
  };
}

/** An answer without the links that are not wanted, or that its client would not understand. */
function told(response: Response, { resourceLinks }: McpSettings): Response {
  return resourceLinks ? response : { ...response, cut: [] };
}

function preparedCall<Input extends z.ZodType, Answer>(
  { runs, call, respond }: ToolDefinition<Input, Answer>,
  input: z.output<Input>,
  { sent, room, settings }: { sent: Record<string, unknown>; room: Room; settings: McpSettings },
): PreparedCall {
  const { wait } = input as { wait?: number };
  return {
    waitMs: wait,
    makesRun: runs !== undefined && (runs.isNew?.(input) ?? true),
    async answer(engine, context, waitMs = wait && Math.min(wait, LONGEST_WAIT_MS)) {
      const asked = waitMs === undefined ? input : { ...(input as object), wait: waitMs };
      rememberSent(asked, waitMs === undefined ? sent : { ...sent, wait: `${waitMs}ms` });
      const answer = await call(engine, asked as z.output<Input>, context);
      const isPending = runs?.isPending(answer) ?? false;
      return { ...told(respond(answer, input, room), settings), isPending };
    },
  };
}

function advertise<Input extends z.ZodType, Answer>({
  name,
  title,
  description,
  annotations,
  input,
  output,
  example,
  results,
}: ToolDefinition<Input, Answer>): AdvertisedTool {
  const inputSchema = withResultTokens(plainInput(input), results === "advertised");
  return {
    name,
    title,
    description: `${description}\nEXAMPLE ${JSON.stringify(example)}`,
    inputSchema: inputSchema as unknown as AdvertisedTool["inputSchema"],
    outputSchema: plainOutput(output) as unknown as NonNullable<AdvertisedTool["outputSchema"]>,
    annotations,
  };
}

/** The same with the argument that only says how much of the results is shown. */
function withResultTokens(schema: PlainObject, has: boolean): PlainObject {
  return has ? { ...schema, properties: { ...schema.properties, resultTokens: RESULT_TOKENS } } : schema;
}

function explained<T>({ name, example }: { name: string; example: unknown }, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const action = `Correct the named argument and call again. A valid call: ${name} ${JSON.stringify(example)}`;
    throw OrchestratorError.from(error).with({ action });
  }
}
