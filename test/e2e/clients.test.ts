import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { clientSnippets } from "../support/client-snippets.ts";
import { listedTools } from "../support/listed-tools.ts";
import { codeBlocks } from "../support/markdown.ts";
import { freshEnv, NODE, PROGRAM, tempFolder } from "../support/program.ts";

const snippets = ["README.md", "docs/clients.md"].flatMap((path) =>
  clientSnippets(readFileSync(path, "utf8")).map((snippet) => ({ path, ...snippet })),
);

/** What an installed package puts on the PATH. */
async function installed(): Promise<Record<string, string>> {
  const bin = join(await tempFolder(), "bin");
  await mkdir(bin);
  await writeFile(join(bin, "orchestrator-mcp"), `#!/bin/sh\nexec "${NODE}" "${PROGRAM}" "$@"\n`, {
    mode: 0o755,
  });
  const env = await freshEnv();
  return { ...env, PATH: `${bin}:${env.PATH}` };
}

describe("the set-up of clients in the documents", () => {
  it("is there for each of them, under the names that its files have", () => {
    const sections = readFileSync("docs/clients.md", "utf8").split(/^## /m).slice(1);
    const withSnippets = sections
      .filter((section) => clientSnippets(section).length > 0)
      .map((section) => {
        const files = codeBlocks(section).filter(({ info }) => info === "json");
        return [section.split("\n", 1)[0], ...files.flatMap(({ text }) => Object.keys(JSON.parse(text)))];
      });
    expect(withSnippets).toEqual([
      ["Claude Code", "mcpServers"],
      ["Claude Desktop", "mcpServers"],
      ["Codex"],
      ["Cursor", "mcpServers"],
      ["VS Code", "servers"],
      ["Gemini CLI", "mcpServers"],
      ["OpenClaw", "mcp"],
      ["A key or a configuration of its own"],
    ]);
  });

  it.each(snippets)("starts the server, as $path has it in line $line", async ({ launch }) => {
    const env = { ...(await installed()), ...launch.env };
    expect(await listedTools({ ...launch, env })).toContain("fanout");
  });
});
