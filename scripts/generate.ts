import { readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { errors, exitCodes } from "./generate/codes.ts";
import { commandTable, optionsOf, sharedOptions } from "./generate/commands.ts";
import { configFields } from "./generate/configuration.ts";
import { faces } from "./generate/faces.ts";
import { prompts, resources } from "./generate/offers.ts";
import { planSchema } from "./generate/plan-schema.ts";
import { restCalls, restFields, scopes } from "./generate/rest.ts";
import { serverJson } from "./generate/server-json.ts";
import { choosing, reference, tools } from "./generate/tools.ts";

// Fills the marked regions of the docs from the code. With --check nothing is written, and a stale one fails.

const REGIONS: Record<string, (argument: string) => string> = {
  tools,
  prompts,
  resources,
  faces,
  choosing,
  reference,
  errors,
  exits: exitCodes,
  commands: commandTable,
  "shared-options": sharedOptions,
  options: optionsOf,
  config: configFields,
  calls: restCalls,
  fields: restFields,
  scopes,
};

/** Files that are generated as a whole. */
const FILES: Record<string, () => string> = {
  "skill/references/plan.schema.json": planSchema,
  "server.json": serverJson,
};

/** Such as `tools`, or `fields route` for a part of what the region has. */
const REGION =
  /(<!-- generated:([\w-]+)(?: (\w+))?, by npm run generate -->\n)[\s\S]*?(<!-- \/generated -->)/g;

const ROOT = new URL("../", import.meta.url);
const DOCS = [
  ...[
    "README.md",
    "SKILL.md",
    "skill/references/tools.md",
    "skill/references/errors.md",
    "skill/references/programs.md",
  ],
  ...readdirSync(new URL("docs/", ROOT))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const check = process.argv.includes("--check");
const stale: string[] = [];
const filledRegions = new Set<string>();
for (const doc of DOCS) {
  const file = fileURLToPath(new URL(doc, ROOT));
  const text = await readFile(file, "utf8");
  const filled = text.replace(
    REGION,
    (_, opening: string, name: string, argument: string | undefined, closing: string) => {
      const region = REGIONS[name];
      if (!region) throw new Error(`${doc}: nothing generates the region "${name}".`);
      filledRegions.add(name);
      return `${opening}\n${region(argument ?? "")}\n\n${closing}`;
    },
  );
  if (filled === text) continue;
  stale.push(doc);
  if (!check) await writeFile(file, filled);
}
for (const [name, make] of Object.entries(FILES)) {
  const file = fileURLToPath(new URL(name, ROOT));
  const text = make();
  if (text === (await readFile(file, "utf8").catch(() => undefined))) continue;
  stale.push(name);
  if (!check) await writeFile(file, text);
}
const unused = Object.keys(REGIONS).filter((name) => !filledRegions.has(name));
if (unused.length > 0) throw new Error(`No document has the regions ${unused.join(", ")}.`);

if (stale.length === 0) console.log("the generated parts of the docs are fresh");
else console.log(`${check ? "stale, run npm run generate" : "written"}: ${stale.join(", ")}`);
process.exitCode = check && stale.length > 0 ? 1 : 0;
