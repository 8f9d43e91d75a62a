import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { differences } from "./differences.ts";
import type { BlockEnded, DocumentShell } from "./document-shell.ts";
import { type CodeBlock, codeBlocks } from "./markdown.ts";

// Follows a document as a reader does, block by block. What stands behind a block's fence says what it is:
//   sh              commands that end, with exit code 0 or what a comment says: # exits with 3
//   sh background   a command that goes on: it says that it is ready, and ends well at the document's end
//   sh no-run       commands that cannot be run here
//   js, python      a program, which is run
//   json answer     the answer of the block before, as far as it is shown
//   js handler.js   a file of that name, and so in each language
// Everything else is read by people alone.

export interface Document {
  path: string;
  blocks: CodeBlock[];
}

export function readDocument(root: string, path: string): Document {
  return { path, blocks: codeBlocks(readFileSync(join(root, path), "utf8")) };
}

/** Where a fleet is that nobody names is where the document's own is. */
export const startsFleet = ({ blocks }: Document) =>
  blocks.some(
    ({ info, text }) =>
      info === "sh background" && /^orchestrator (up|serve)\b(?!.*--port (?!7411))/m.test(text),
  );

export const isRun = ({ blocks }: Document) =>
  blocks.some(({ info }) => /^(sh|sh background|js|python)$/.test(info));

/** What is wrong with the first block that is not as the document has it; the shell is closed then. */
export async function problemOf(
  { path, blocks }: Document,
  shell: DocumentShell,
): Promise<string | undefined> {
  let problem: string | undefined;
  try {
    await writeNotes(shell.home);
    let before = "";
    for (const [index, block] of blocks.entries()) {
      const { printed, wrong } = await follow(shell, block, before);
      const found = wrong ?? (block.info === "sh" ? unexpectedError(printed, blocks[index + 1]) : undefined);
      problem = found === undefined ? undefined : `${path}, line ${block.line}: ${found}`;
      // What comes after it may need what it has not done.
      if (problem !== undefined) break;
      before = printed;
    }
  } finally {
    const notEnded = await shell.close();
    problem ??= notEnded.length === 0 ? undefined : `${path}: ${notEnded.join("; ")}`;
  }
  return problem;
}

/** Enough text for each of eight instances to find something in. */
export async function writeNotes(folder: string): Promise<void> {
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
