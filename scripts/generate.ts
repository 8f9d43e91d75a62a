import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ERROR_TABLE } from "../src/core/errors.ts";
import { TOOLS } from "../src/mcp/tools/index.ts";

// Fills the marked regions of the docs from the code. With --check nothing is written, and a stale one fails.

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

function describe(tool: (typeof TOOLS)[number]): Description {
  const lines = (tool.advertised.description ?? "").split("\n");
  const after = (keyword: string) => {
    const line = lines.find((each) => each.startsWith(`${keyword} `));
    if (line === undefined) throw new Error(`The description of ${tool.name} has no line ${keyword}.`);
    return line.slice(keyword.length + 1);
  };
  const [what = ""] = lines;
  return { what, useWhen: after("USE WHEN"), notFor: after("NOT FOR"), example: after("EXAMPLE") };
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function argumentsOf(tool: (typeof TOOLS)[number]): string {
  const { properties = {}, required = [] } = tool.advertised.inputSchema;
  const rows = Object.entries(properties as unknown as Record<string, Property>).map(([name, property]) => [
    `\`${name}\`${required.includes(name) ? " (required)" : ""}`,
    property.enum?.map((value) => `\`${value}\``).join(", ") ??
      (property.items ? `${property.type} of ${property.items.type}s` : property.type),
    property.description ?? "",
  ]);
  return table(["argument", "type", "what it says"], rows);
}

const regions: Record<string, () => string> = {
  tools: () =>
    table(
      ["tool", "what it does"],
      TOOLS.map((tool) => [`\`${tool.name}\``, describe(tool).what]),
    ),
  choosing: () =>
    table(
      ["tool", "use when", "not for"],
      TOOLS.map((tool) => {
        const { useWhen, notFor } = describe(tool);
        return [`\`${tool.name}\``, useWhen, notFor];
      }),
    ),
  reference: () =>
    TOOLS.map((tool) => {
      const { what, example } = describe(tool);
      return `## ${tool.name}\n\n${what}\n\n${argumentsOf(tool)}\n\n\`\`\`json\n${example}\n\`\`\``;
    }).join("\n\n"),
  errors: () =>
    table(
      ["code", "status", "retry", "next"],
      Object.entries(ERROR_TABLE).map(([code, { status, retry, action }]) => [
        `\`${code}\``,
        String(status),
        retry ? "if nothing was delivered" : "no",
        action,
      ]),
    ),
};

const DOCS = ["README.md", "SKILL.md", "skill/references/tools.md", "skill/references/errors.md"];
const REGION = /(<!-- generated:(\w+), by npm run generate -->\n)[\s\S]*?(<!-- \/generated -->)/g;

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const doc of DOCS) {
  const file = fileURLToPath(new URL(`../${doc}`, import.meta.url));
  const text = await readFile(file, "utf8");
  let found = 0;
  const filled = text.replace(REGION, (_, opening: string, name: string, closing: string) => {
    const region = regions[name];
    if (!region) throw new Error(`${doc}: nothing generates the region "${name}".`);
    found++;
    return `${opening}\n${region()}\n\n${closing}`;
  });
  if (found === 0) throw new Error(`${doc} has no generated region.`);
  if (filled === text) continue;
  stale.push(doc);
  if (!check) await writeFile(file, filled);
}

if (stale.length === 0) console.log("the generated parts of the docs are fresh");
else console.log(`${check ? "stale, run npm run generate" : "written"}: ${stale.join(", ")}`);
process.exitCode = check && stale.length > 0 ? 1 : 0;
