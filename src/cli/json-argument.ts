import { readFile } from "node:fs/promises";
import { type Json, parseJson } from "../core/json.ts";
import { usage } from "./flags.ts";
import { say } from "./output.ts";
import { oneLine } from "./text.ts";

/**
 * What a flag, or an argument such as "the plan", was given: JSON, `@file`, or `-` for standard input; `undefined`
 * where it was not given.
 *
 * @throws OrchestratorError `bad_request` that shows how text is quoted.
 */
export async function readJsonArgument(
  argument: string | undefined,
  flag: string,
): Promise<Json | undefined> {
  if (argument === undefined) return undefined;
  if (argument === "-") return parsed(await standardInput(flag), flag, "standard input");
  if (argument.startsWith("@")) return parsed(await file(argument.slice(1), flag), flag, argument.slice(1));
  const json = parseJson(argument);
  if (json !== undefined) return json;
  throw usage(
    `${flag}: ${shown(argument)} is not JSON.`,
    `Text is quoted twice, as in ${flag} ${quoted(JSON.stringify(excerptOf(argument)))}, or goes as ${flag} ${quoted(JSON.stringify({ message: excerptOf(argument) }))}; a file as ${flag} @file, standard input as ${flag} -.`,
  );
}

function parsed(text: string, flag: string, where: string): Json {
  // Some editors begin a file with a byte order mark, which is no JSON.
  const json = parseJson(text.replace(/^\uFEFF/, ""));
  if (json !== undefined) return json;
  throw usage(
    text.trim() === "" ? `${flag}: ${where} is empty.` : `${flag}: ${where} is not JSON: ${shown(text)}`,
    isFlag(flag)
      ? `Write JSON there. jq makes it of text: jq -Rs '{message: .}' notes.txt | orchestrator … ${flag} -`
      : "Write JSON there; --help shows an example.",
  );
}

async function file(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "there is no such file", EISDIR: "it is a folder" }[code ?? ""] ?? code;
    const how = isFlag(flag)
      ? `Name a file as ${flag} @file.json.`
      : "Name its file, or - for standard input.";
    throw usage(`${flag}: ${path || "@"} cannot be read: ${why}.`, how);
  }
}

/** Else it is an argument that is a file by itself. */
function isFlag(flag: string): boolean {
  return flag.startsWith("--");
}

async function standardInput(flag: string): Promise<string> {
  if (process.stdin.isTTY) say(`${flag} is read from here: end it with Ctrl-D on a line of its own.`);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function excerptOf(text: string): string {
  return oneLine(text, 40);
}

function shown(text: string): string {
  return JSON.stringify(oneLine(text, 80));
}

/** As a shell takes it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
