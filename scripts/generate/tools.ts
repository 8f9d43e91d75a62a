import { encode } from "gpt-tokenizer/encoding/o200k_base";
import type * as z from "zod";
import * as requests from "../../src/core/requests.ts";
import { understoodInput } from "../../src/mcp/plain-schema.ts";
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
  const listed = properties as unknown as Record<string, Property>;
  const rows = Object.entries({ ...listed, ...notListed(tool, listed) }).map(([name, property]) => [
    `${code(name)}${required.includes(name) ? " (required)" : name in listed ? "" : " (not listed)"}`,
    property.enum
      ? codes(property.enum)
      : property.items
        ? `${property.type} of ${property.items.type}s`
        : property.type,
    property.description ?? "",
  ]);
  return table(["argument", "type", "what it says"], rows);
}

/** What a tool takes and does not show to models; what has no description is for editors alone. */
function notListed({ name }: Tool, listed: Record<string, Property>): Record<string, Property> {
  const input = `${name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}Input`;
  const { properties } = understoodInput(
    (requests as unknown as Record<string, z.ZodType>)[input] as z.ZodType,
  );
  const taken = Object.entries(properties as Record<string, Property>);
  return Object.fromEntries(
    taken.filter(([field, { description }]) => !(field in listed) && description !== undefined),
  );
}
