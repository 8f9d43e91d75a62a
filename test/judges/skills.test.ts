import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DocumentShell } from "../support/document-shell.ts";
import { type Document, isRun, problemOf, readDocument, startsFleet } from "../support/follow-document.ts";
import { links } from "../support/markdown.ts";
import { judge, newestNode } from "./judge.ts";

const run = promisify(execFile);
const SKILLS = "1.7.4";
const SKILLS_REF = "0.1.5";

let folder: string;
/** The files of a clone, without what is built or installed there. */
let clone: string;
let project: string;
/** What each client has after the installation. */
let installed: string[];

async function skills(args: string[], cwd: string): Promise<string> {
  const program = join(await judge("skills", SKILLS), "bin", "cli.mjs");
  const env = { PATH: process.env.PATH, HOME: folder, NO_COLOR: "1", CI: "1", DISABLE_TELEMETRY: "1" };
  const { stdout } = await run(await newestNode(), [program, ...args], { cwd, env });
  return stdout;
}

async function documentsOf(skill: string): Promise<Document[]> {
  const references = await readdir(join(skill, "skill/references"));
  const pages = references.filter((name) => name.endsWith(".md")).map((name) => `skill/references/${name}`);
  return ["SKILL.md", ...pages].map((path) => readDocument(skill, path));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestrator-skills-"));
  clone = join(folder, "clone");
  const { stdout } = await run("git", ["ls-files", "-z"]);
  for (const file of stdout.split("\0").filter(Boolean)) await cp(file, join(clone, file));
  project = join(folder, "project");
  await mkdir(project);
  await skills(["add", clone, "--agent", "claude-code", "codex", "--yes"], project);
  installed = [".claude/skills/orchestrator", ".agents/skills/orchestrator"].map((path) =>
    join(project, path),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe(`the skill, as skills ${SKILLS} has it`, () => {
  it("is the only one that it finds", async () => {
    const listed = await skills(["add", "./", "--list"], clone);
    expect(listed).toContain("Found 1 skill\n");
    expect(listed).toMatch(/Available Skills\n\W+orchestrator\n/);
  });

  it("is the same for Claude Code and Codex", async () => {
    const texts = await Promise.all(installed.map((skill) => readFile(join(skill, "SKILL.md"), "utf8")));
    expect(texts).toEqual(Array(2).fill(await readFile("SKILL.md", "utf8")));
  });

  it(`is valid by the specification, as skills-ref ${SKILLS_REF} reads it`, async () => {
    const program = join(await judge("skills-ref", SKILLS_REF), "dist", "cli.js");
    for (const skill of installed)
      expect((await run(process.execPath, [program, "validate", skill])).stdout).toMatch(/^Valid skill/);
  });

  it("has no link that leads nowhere", async () => {
    for (const skill of installed) {
      for (const { path } of await documentsOf(skill)) {
        const page = join(skill, path);
        for (const target of links(await readFile(page, "utf8"))) {
          const [file = ""] = target.split("#");
          if (file !== "") await readFile(join(page, "..", file));
        }
      }
    }
  });

  it("has no command that does not run", async () => {
    const [skill = ""] = installed;
    const documents = (await documentsOf(skill)).filter(isRun);
    expect(documents.length).toBeGreaterThan(1);
    for (const document of documents) {
      const fleet = startsFleet(document) ? undefined : await DocumentShell.open();
      const started = await fleet?.start("orchestrator up");
      const cluster = started && (JSON.parse(started) as { cluster: string }).cluster;
      const shell = await DocumentShell.open({ cluster, root: skill });
      expect(await problemOf(document, shell)).toBeUndefined();
      await fleet?.close();
    }
  });
});
