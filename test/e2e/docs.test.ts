import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences } from "../support/differences.ts";
import { type BlockEnded, DocumentShell } from "../support/document-shell.ts";
import { type CodeBlock, codeBlocks } from "../support/markdown.ts";

// Follows each document as a reader does, block by block. What stands behind a block's fence says what it is:
//   sh              commands that end, with exit code 0 or what a comment says: # exits with 3
//   sh background   a command that goes on: it says that it is ready, and ends well at the document's end
//   sh no-run       commands that cannot be run here; a test below lists them
//   js, python      a program, which is run
//   json answer     the answer of the block before, as far as it is shown
//   js handler.js   a file of that name, and so in each language
// Everything else is read by people alone. Documents that start no fleet share one, to which others come and go:
// what looks at a whole fleet starts its own.

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const inFolder = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
const documents = ["README.md", "SKILL.md", ...inFolder("docs"), ...inFolder("skill/references")].map(
  (path) => ({
    path,
    blocks: codeBlocks(readFileSync(join(ROOT, path), "utf8")),
  }),
);
/** Where a fleet is that nobody names is where the document's own is. */
const isOwnFleet = ({ info, text }: CodeBlock) =>
  info === "sh background" && /^orchestrator (up|serve)\b(?!.*--port (?!7411))/m.test(text);
const isRun = ({ info }: CodeBlock) => /^(sh|sh background|js|python)$/.test(info);

/** Enough text for each of eight instances to find something in. */
async function writeNotes(folder: string): Promise<void> {
  for (let index = 1; index <= 16; index++) {
    const text = `# Timeouts, part ${index}

Retry with backoff after a timeout. Error handling of request and response.
`;
    await writeFile(join(folder, `note-${String(index).padStart(2, "0")}.md`), text);
  }
}

/** What a block has printed, and what is wrong with that. */
interface Followed {
  printed: string;
  wrong?: string | undefined;
}

/** @param before What the block before has printed. */
async function follow(shell: DocumentShell, { info, text }: CodeBlock, before: string): Promise<Followed> {
  switch (info) {
    case "sh":
      return ended(await shell.run(text), exitCodesOf(text));
    case "sh background":
      return { printed: await shell.start(text) };
    case "js":
    case "python":
      return ended(await shell.runProgram(info, text), [0]);
    case "json answer":
      return { printed: before, wrong: compared(text, before) };
  }
  const [, file] = /^(?!sh )\S+ (\S+)$/.exec(info) ?? [];
  if (file !== undefined) await shell.write(file, text);
  return { printed: before };
}

/** `# exits with 3`, `# exits with 0 or 3`. */
function exitCodesOf(text: string): number[] {
  const [, codes = "0"] = /# exits with (\d+(?: or \d+)*)/.exec(text) ?? [];
  return codes.split(" or ").map(Number);
}

function ended({ code, stdout, stderr }: BlockEnded, expected: readonly number[]): Followed {
  const isRight = code !== null && expected.includes(code);
  return {
    printed: stdout,
    wrong: isRight ? undefined : `exit code ${code}, not ${expected.join(" or ")}\n${stdout}\n${stderr}`,
  };
}

/** curl ends well also with an error, which is none of the document's unless it shows it. */
function unexpectedError(printed: string, next: CodeBlock | undefined): string | undefined {
  const isShown = next?.info === "json answer" && next.text.includes('"error"');
  return isShown || !/^\{"error":/m.test(printed) ? undefined : `an error was answered\n${printed}`;
}

function compared(shown: string, printed: string): string | undefined {
  const found = differences(JSON.parse(shown), lastJson(printed));
  return found.length === 0 ? undefined : `${found.join("; ")}, in\n${printed}`;
}

/** All that was printed, or its last line: headers may stand before it. */
function lastJson(printed: string): unknown {
  for (const text of [printed, printed.trim().split("\n").at(-1) ?? ""]) {
    try {
      return JSON.parse(text);
    } catch {
      // The next one may be.
    }
  }
  return undefined;
}

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

  it.concurrent.each(documents.filter(({ blocks }) => blocks.some(isRun)))(
    "can be typed as $path has them",
    { timeout: 120_000 },
    async ({ path, blocks }) => {
      const shell = await DocumentShell.open(blocks.some(isOwnFleet) ? undefined : cluster);
      let problem: string | undefined;
      try {
        await writeNotes(shell.home);
        let before = "";
        for (const [index, block] of blocks.entries()) {
          const { printed, wrong } = await follow(shell, block, before);
          const found =
            wrong ?? (block.info === "sh" ? unexpectedError(printed, blocks[index + 1]) : undefined);
          problem = found === undefined ? undefined : `${path}, line ${block.line}: ${found}`;
          // What comes after it may need what it has not done.
          if (problem !== undefined) break;
          before = printed;
        }
      } finally {
        const notEnded = await shell.close();
        problem ??= notEnded.length === 0 ? undefined : `${path}: ${notEnded.join("; ")}`;
      }
      if (problem !== undefined) expect.fail(problem);
    },
  );

  it("are all run, but for those that need what is not here", () => {
    const notRun = documents.flatMap(({ path, blocks }) =>
      blocks.filter(({ info }) => info === "sh no-run").map(({ text }) => `${path}: ${text.split("\n")[0]}`),
    );
    expect(notRun).toEqual([
      // Would install and test what is being tested.
      "README.md: npm ci && npm run demo",
      // Clients of others.
      "README.md: claude mcp add orchestrator -- node /path/to/dist/main.js",
      // Agents of others, which CI has not.
      "docs/agents.md: orchestrator instance --name CODER --agent claude --cwd ~/project --task-timeout 10m",
    ]);
  });
});
