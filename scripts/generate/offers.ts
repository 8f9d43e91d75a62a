import { promptsFor } from "../../src/mcp/prompts/index.ts";
import { FLEET, TEMPLATES } from "../../src/mcp/resources/templates.ts";
import { TOOLS } from "../../src/mcp/tools/index.ts";
import { code, codes, table } from "./markdown.ts";

// What the MCP server offers besides tools, from what it says of it to clients.

export function prompts(): string {
  return table(
    ["prompt", "what it does", "arguments"],
    promptsFor(TOOLS).map(({ advertised: { name, description = "", arguments: known = [] } }) => [
      code(name),
      description,
      codes(known.map(({ name: argument, required }) => (required ? argument : `${argument}?`))),
    ]),
  );
}

export function resources(): string {
  const all = [FLEET, ...TEMPLATES.map(({ uriTemplate: uri, ...rest }) => ({ uri, ...rest }))];
  return table(
    ["resource", "what it is"],
    all.map(({ uri, description = "" }) => [code(uri), description]),
  );
}
