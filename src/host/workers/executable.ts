import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, resolve } from "node:path";
import { OrchestratorError } from "../../core/errors.ts";

/**
 * The absolute path of a program: looked for in PATH, or from `cwd` if its name has a slash.
 * @param action what to do when it is not there.
 * @throws OrchestratorError `bad_request` if there is no such program.
 */
export async function findExecutable(
  name: string,
  cwd: string,
  action = "Correct the command, install the program, or make the file executable.",
): Promise<string> {
  const inPath = !name.includes("/");
  const folders = inPath ? (process.env.PATH ?? "").split(delimiter) : [cwd];
  for (const folder of name ? folders : []) {
    const file = resolve(cwd, folder, name);
    if (await isExecutable(file)) return file;
  }
  const where = inPath ? "in any folder of PATH" : `below "${cwd}"`;
  throw new OrchestratorError("bad_request", `There is no program "${name}" ${where}.`, { action });
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
