import type { Tool as AdvertisedTool, ToolAnnotations } from "@modelcontextprotocol/server";
import type { z } from "zod";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import { validate } from "../core/validate.ts";
import type { Engine } from "../engine/engine.ts";
import { rememberSent } from "./as-sent.ts";
import { type PlainObject, plainInput, plainOutput, understoodInput } from "./plain-schema.ts";
import type { Response } from "./respond.ts";
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
  call(engine: Engine, input: z.output<Input>, context: CallContext): Promise<Answer>;
  respond(answer: Answer, input: z.output<Input>): Response;
}

export interface Tool {
  readonly name: string;
  /** It changes nothing anywhere. */
  readonly readOnly: boolean;
  /** Its entry in `tools/list`. */
  readonly advertised: AdvertisedTool;
  /** @throws OrchestratorError `bad_request`, which names the argument and shows a valid call. */
  call(engine: Engine, sent: Record<string, unknown>, context: CallContext): Promise<Response>;
}

/** Makes a tool of one use case: its entry in the list, and what happens when it is called. */
export function defineTool<Input extends z.ZodType, Answer>(definition: ToolDefinition<Input, Answer>): Tool {
  const { name, input } = definition;
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
    async call(engine, sent, context) {
      understood ??= understoodInput(input);
      const args = understand(sent, understood);
      const parsed = parse(input, args, definition);
      rememberSent(parsed, args);
      return definition.respond(await definition.call(engine, parsed, context), parsed);
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
}: ToolDefinition<Input, Answer>): AdvertisedTool {
  return {
    name,
    title,
    description: `${description}\nEXAMPLE ${JSON.stringify(example)}`,
    inputSchema: plainInput(input) as unknown as AdvertisedTool["inputSchema"],
    outputSchema: plainOutput(output) as unknown as NonNullable<AdvertisedTool["outputSchema"]>,
    annotations,
  };
}

function parse<Input extends z.ZodType>(
  input: Input,
  args: Record<string, unknown>,
  { name, example }: { name: string; example: z.input<Input> },
): z.output<Input> {
  try {
    return validate(input, args);
  } catch (error) {
    const action = `Correct the named argument and call again. A valid call: ${name} ${JSON.stringify(example)}`;
    throw OrchestratorError.from(error).with({ action });
  }
}
