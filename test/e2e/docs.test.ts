import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DocumentShell } from "../support/document-shell.ts";
import { isRun, problemOf, readDocument, startsFleet, writeNotes } from "../support/follow-document.ts";

// Documents that start no fleet share one, to which others come and go: what looks at a whole fleet starts its own.

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const inFolder = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
const documents = ["README.md", "SKILL.md", ...inFolder("docs"), ...inFolder("skill/references")].map(
  (path) => readDocument(ROOT, path),
);

describe("the commands and programs in the documents", () => {
  let fleet: DocumentShell;
  let cluster: string;

  beforeAll(async () => {
    fleet = await DocumentShell.open();
    await writeNotes(fleet.home);
    cluster = JSON.parse(await fleet.start("orchestrator up")).cluster;
  });
  afterAll(async () => {
    expect(await fleet.close()).toEqual([]);
  });

  it.concurrent.each(documents.filter(isRun))(
    "can be typed as $path has them",
    { timeout: 120_000 },
    async (document) => {
      const shell = await DocumentShell.open({ cluster: startsFleet(document) ? undefined : cluster });
      const problem = await problemOf(document, shell);
      if (problem !== undefined) expect.fail(problem);
    },
  );

  it("are all run, but for those that need what is not here", () => {
    const notRun = documents.flatMap(({ path, blocks }) =>
      blocks.filter(({ info }) => info === "sh no-run").map(({ text }) => `${path}: ${text.split("\n")[0]}`),
    );
    expect(notRun).toEqual([
      // What CI runs itself.
      "README.md: npm ci && npm run demo",
      // Would install what is being tested: test/judges/package.test.ts does.
      "README.md: npm ci && npm install --global .",
      // Clients of others, whose words clients.test.ts beside this file reads.
      "README.md: claude mcp add orchestrator --scope user -- orchestrator-mcp",
      // Agents of others, which CI has not.
      "docs/agents.md: orchestrator instance --name CODER --agent claude --cwd ~/project --task-timeout 10m",
      "docs/clients.md: claude mcp add orchestrator --scope user -- orchestrator-mcp",
      "docs/clients.md: codex mcp add orchestrator -- orchestrator-mcp",
      "docs/clients.md: gemini mcp add --scope user orchestrator orchestrator-mcp",
      "docs/clients.md: openclaw mcp add orchestrator --command orchestrator-mcp",
      "docs/clients.md: claude mcp add orchestrator --scope user --env ORCHESTRATOR_API_KEY=your-key -- orchestrator-mcp",
    ]);
  });
});
