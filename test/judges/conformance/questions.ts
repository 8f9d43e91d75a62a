import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { declaresTasks, tasksMissing } from "../../../src/mcp/tasks/extension.ts";
import { type RawTool, rawTool } from "./mount.ts";

// The suite's tools that ask their client first: for what a person says, for a model's words, for its roots.

type Schema = Parameters<typeof inputRequired.elicit>[0]["requestedSchema"];
type Question = ReturnType<typeof inputRequired.listRoots>;

const state = createRequestStateCodec<string>({ key: "a key that only the tests have, of 32 bytes" });

const ask = (message: string, properties: object, required = Object.keys(properties)): Question =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties, required } as unknown as Schema,
  });
export const askText = (message: string, field: string) => ask(message, { [field]: { type: "string" } });
const askModel = (text: string) =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text } }],
    maxTokens: 100,
  });
const agree = ask("Do you agree?", { ok: { type: "boolean" } });

const say = (text: string) => ({ content: [{ type: "text" as const, text }] });
const answered = ({ mcpReq }: ServerContext, key: string) =>
  inputResponse(mcpReq.inputResponses, key).kind !== "missing";

/** A tool that asks until each question is answered. */
const asking = (name: string, inputRequests: Record<string, Question>): RawTool =>
  rawTool(name, (context) =>
    Object.keys(inputRequests).every((key) => answered(context, key))
      ? say(`Heard: ${JSON.stringify(context.mcpReq.inputResponses)}`)
      : inputRequired({ inputRequests }),
  );

/** The same, one question after the other, where a sealed state says how far it is. */
const askingInTurn = (name: string, rounds: readonly Record<string, Question>[]): RawTool =>
  rawTool(name, async (context) => {
    const sent = context.mcpReq.requestState<string>();
    const round = sent === undefined ? 0 : Number(await opened(sent, context));
    const inputRequests = rounds[round];
    return inputRequests
      ? inputRequired({ inputRequests, requestState: await state.mint(String(round + 1)) })
      : say("state-ok");
  });

async function opened(sent: string, context: ServerContext): Promise<string> {
  try {
    return await state.verify(sent, context);
  } catch {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "This requestState is none of ours.");
  }
}

function declared({ mcpReq }: ServerContext): ClientCapabilities {
  const envelope: { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } = mcpReq.envelope ?? {};
  return envelope[CLIENT_CAPABILITIES_META_KEY] ?? {};
}

const option = (value: string, title: string) => ({ const: value, title });
const OPTIONS = ["option1", "option2", "option3"];
const TITLED = [option("value1", "First Option"), option("value2", "Second Option")];

export const ASKING_TOOLS: readonly RawTool[] = [
  asking("test_elicitation", {
    user: ask("Who are you?", { username: { type: "string" }, email: { type: "string" } }),
  }),
  asking("test_streaming_elicitation", { user_name: askText("What is your name?", "name") }),
  asking("test_sampling", { reply: askModel("Say a word.") }),
  asking("test_elicitation_sep1034_defaults", {
    person: ask("Is this right?", {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    }),
  }),
  asking("test_elicitation_sep1330_enums", {
    choice: ask("Which?", {
      untitledSingle: { type: "string", enum: OPTIONS },
      titledSingle: { type: "string", oneOf: TITLED },
      legacyEnum: { type: "string", enum: ["opt1", "opt2"], enumNames: ["Option One", "Option Two"] },
      untitledMulti: { type: "array", items: { type: "string", enum: OPTIONS } },
      titledMulti: { type: "array", items: { anyOf: TITLED } },
    }),
  }),
  asking("test_input_required_result_elicitation", { user_name: askText("What is your name?", "name") }),
  asking("test_input_required_result_sampling", { capital_question: askModel("The capital of France?") }),
  asking("test_input_required_result_list_roots", { client_roots: inputRequired.listRoots() }),
  askingInTurn("test_input_required_result_request_state", [{ confirm: agree }]),
  askingInTurn("test_input_required_result_tampered_state", [{ confirm: agree }]),
  askingInTurn("test_input_required_result_multiple_inputs", [
    {
      user_name: askText("What is your name?", "name"),
      greeting: askModel("Greet them."),
      client_roots: inputRequired.listRoots(),
    },
  ]),
  askingInTurn("test_input_required_result_multi_round", [
    { step1: askText("Step 1: what is your name?", "name") },
    { step2: askText("Step 2: which colour?", "color") },
  ]),
  rawTool("test_input_required_result_capabilities", (context): InputRequiredResult => {
    const { sampling, elicitation } = declared(context);
    return inputRequired({
      inputRequests: {
        ...(sampling && { greeting: askModel("Greet them.") }),
        ...(elicitation && { user_name: askText("What is your name?", "name") }),
      },
    });
  }),
  rawTool("test_missing_capability", (context) => {
    if (declared(context).sampling) return say("There is a model.");
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
  }),
  rawTool("failing_job", (context, own) => {
    if (!declaresTasks(context)) throw tasksMissing("failing_job");
    return own({});
  }),
  rawTool("test_tool_with_task", (context, own) => {
    const said = acceptedContent(context.mcpReq.inputResponses, "user_name");
    const inputRequests = { user_name: askText("What is your name?", "name") };
    return said ? own({ name: said.name }) : inputRequired({ inputRequests });
  }),
];
