import { homedir } from "node:os";
import path from "node:path";
import envPaths from "env-paths";

/**
 * The folder for everything that outlives the process: `ORCHESTRATOR_STATE_DIR` (where `~/` is the
 * home folder), else the platform's usual place for a program's data. It need not exist yet.
 */
export function stateFolder(env: Record<string, string | undefined>): string {
  const named = env.ORCHESTRATOR_STATE_DIR;
  if (!named) return envPaths("orchestrator", { suffix: "" }).data;
  return path.resolve(named.replace(/^~(?=$|[/\\])/, homedir()));
}
