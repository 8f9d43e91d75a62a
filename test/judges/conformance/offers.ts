import {
  acceptedContent,
  type CompleteResult,
  type GetPromptResult,
  inputRequired,
  type ListPromptsResult,
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type PromptMessage,
  type ReadResourceResult,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { embedded, IMAGE } from "./contents.ts";
import { ownHandler } from "./mount.ts";
import { askText } from "./questions.ts";

// The suite's resources and prompts, beside ours.

const RESOURCES = [
  { uri: "test://static-text", name: "static-text", mimeType: "text/plain" },
  { uri: "test://static-binary", name: "static-binary", mimeType: "image/png" },
  { uri: "test://watched-resource", name: "watched-resource", mimeType: "text/plain" },
];
const TEMPLATE = {
  uriTemplate: "test://template/{id}/data",
  name: "template",
  mimeType: "application/json",
};

function contentsOf(uri: string): ReadResourceResult["contents"] | undefined {
  const id = /^test:\/\/template\/(\w+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) return [{ uri, mimeType: TEMPLATE.mimeType, text: JSON.stringify({ id }) }];
  const mimeType = RESOURCES.find((each) => each.uri === uri)?.mimeType;
  if (mimeType === undefined) return undefined;
  return [mimeType === "image/png" ? { uri, mimeType, blob: IMAGE.data } : { uri, mimeType, text: uri }];
}

export function mountResources(server: Server): void {
  const list = ownHandler<ListResourcesResult>(server, "resources/list");
  const templates = ownHandler<ListResourceTemplatesResult>(server, "resources/templates/list");
  const read = ownHandler<ReadResourceResult>(server, "resources/read");
  server.setRequestHandler("resources/list", async (request, context) => {
    const own = await list(request, context);
    return { ...own, resources: [...RESOURCES, ...own.resources] };
  });
  server.setRequestHandler("resources/templates/list", async (request, context) => {
    const own = await templates(request, context);
    return { ...own, resourceTemplates: [...own.resourceTemplates, TEMPLATE] };
  });
  server.setRequestHandler("resources/read", async (request, context) => {
    const contents = contentsOf(request.params.uri);
    return contents ? { contents } : read(request, context);
  });
  for (const method of ["resources/subscribe", "resources/unsubscribe"] as const) {
    const own = ownHandler<object>(server, method);
    server.setRequestHandler(method, async (request, context) =>
      contentsOf(request.params.uri) ? {} : own(request, context),
    );
  }
}

const user = (content: PromptMessage["content"]): PromptMessage => ({ role: "user", content });
const words = (text: string) => user({ type: "text", text });

const PROMPTS = [
  { name: "test_simple_prompt" },
  { name: "test_prompt_with_arguments", arguments: ["arg1", "arg2"] },
  { name: "test_prompt_with_embedded_resource", arguments: ["resourceUri"] },
  { name: "test_prompt_with_image" },
  { name: "test_input_required_result_prompt" },
].map(({ arguments: names = [], ...prompt }) => ({
  ...{ ...prompt, description: "A fixture of the conformance suite." },
  arguments: names.map((name) => ({ name, required: true })),
}));

function messagesOf(name: string, args: Record<string, string>): PromptMessage[] {
  const { arg1, arg2, resourceUri = "" } = args;
  switch (name) {
    case "test_prompt_with_arguments":
      return [words(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)];
    case "test_prompt_with_embedded_resource":
      return [
        user(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
        words("Please process the embedded resource above."),
      ];
    case "test_prompt_with_image":
      return [user(IMAGE), words("Please analyze the image above.")];
    default:
      return [words("This is a simple prompt for testing.")];
  }
}

function askingPrompt({ mcpReq }: ServerContext) {
  const said = acceptedContent(mcpReq.inputResponses, "user_context");
  const inputRequests = { user_context: askText("What context should the prompt use?", "context") };
  return said ? { messages: [words(String(said.context))] } : inputRequired({ inputRequests });
}

export function mountPrompts(server: Server): void {
  const list = ownHandler<ListPromptsResult>(server, "prompts/list");
  const get = ownHandler<GetPromptResult>(server, "prompts/get");
  const complete = ownHandler<CompleteResult>(server, "completion/complete");
  server.setRequestHandler("completion/complete", async (request, context) => {
    const { ref } = request.params;
    const isFixture = ref.type === "ref/prompt" && PROMPTS.some(({ name }) => name === ref.name);
    return isFixture ? { completion: { values: ["test"] } } : complete(request, context);
  });
  server.setRequestHandler("prompts/list", async (request, context) => {
    const own = await list(request, context);
    return { ...own, prompts: [...own.prompts, ...PROMPTS] };
  });
  server.setRequestHandler("prompts/get", async (request, context) => {
    const { name, arguments: args = {} } = request.params;
    if (name === "test_input_required_result_prompt") return askingPrompt(context);
    if (!PROMPTS.some((prompt) => prompt.name === name)) return get(request, context);
    return { messages: messagesOf(name, args) };
  });
}
