import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { TOOLS } from "../../src/mcp/tools/index.ts";
import { code, codes, table } from "./markdown.ts";

// The MCP tools, from what they say of themselves to models.

type Tool = (typeof TOOLS)[number];

interface Property {
  type: string;
  description?: string;
  enum?: unknown[];
  items?: { type: string };
}

/** What a tool's description says, line by line; the keywords are those that models read. */
interface Description {
  what: string;
  useWhen: string;
  notFor: string;
  example: string;
}

function describe(tool: Tool): Description {
  const lines = (tool.advertised.description ?? "").split("\n");
  const after = (keyword: string) => {
    const line = lines.find((each) => each.startsWith(`${keyword} `));
    if (line === undefined) throw new Error(`The description of ${tool.name} has no line ${keyword}.`);
    return line.slice(keyword.length + 1);
  };
  const [what = ""] = lines;
  return { what, useWhen: after("USE WHEN"), notFor: after("NOT FOR"), example: after("EXAMPLE") };
}

export function tools(): string {
  const list = table(
    ["tool", "what it does"],
    TOOLS.map((tool) => [code(tool.name), describe(tool).what]),
  );
  const tokens = encode(JSON.stringify({ tools: TOOLS.map(({ advertised }) => advertised) })).length;
  return `${list}\n\nThe whole list takes ${tokens} tokens of a model's context (o200k).`;
}

export function choosing(): string {
  return table(
    ["tool", "use when", "not for"],
    TOOLS.map((tool) => {
      const { useWhen, notFor } = describe(tool);
      return [code(tool.name), useWhen, notFor];
    }),
  );
}

export function reference(): string {
  return TOOLS.map((tool) => {
    const { what, example } = describe(tool);
    return `## ${tool.name}\n\n${what}\n\n${argumentsOf(tool)}\n\n\`\`\`json\n${example}\n\`\`\``;
  }).join("\n\n");
}

function argumentsOf(tool: Tool): string {
  const { properties = {}, required = [] } = tool.advertised.inputSchema;
  const rows = Object.entries(properties as unknown as Record<string, Property>).map(([name, property]) => [
    `${code(name)}${required.includes(name) ? " (required)" : ""}`,
    property.enum
      ? codes(property.enum)
      : property.items
        ? `${property.type} of ${property.items.type}s`
        : property.type,
    property.description ?? "",
  ]);
  return table(["argument", "type", "what it says"], rows);
}
