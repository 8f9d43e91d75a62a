import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, resolve } from "node:path";
import { OrchestratorError } from "../../core/errors.ts";

/**
 * The absolute path of a program: looked for in PATH, or from `cwd` if its name has a slash.
 * @throws OrchestratorError `bad_request` if there is no such program.
 */
export async function findExecutable(
  name: string,
  cwd: string,
  path = process.env.PATH ?? "",
): Promise<string> {
  const inPath = !name.includes("/");
  const folders = inPath ? path.split(delimiter) : [cwd];
  for (const folder of name ? folders : []) {
    const file = resolve(cwd, folder, name);
    if (await isExecutable(file)) return file;
  }
  const where = inPath ? "in any folder of PATH" : `below "${cwd}"`;
  throw new OrchestratorError("bad_request", `There is no program "${name}" ${where}.`, {
    action: "Correct the command, install the program, or make the file executable.",
  });
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** The variables that a worker's program gets: all of ours or those named, but never `ORCHESTRATOR_*`. */
export function workerEnvironment(
  names: readonly string[] | undefined,
  own: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const passed = (name: string) => !/^ORCHESTRATOR_/i.test(name) && (names?.includes(name) ?? true);
  return Object.fromEntries(Object.entries(own).filter(([name]) => passed(name)));
}
