import { OrchestratorError } from "../core/errors.ts";
import { instanceUrl } from "../core/instance.ts";
import type { Orchestrator } from "../core/orchestrator.ts";
import type { Actions } from "./actions.ts";
import type { ConnectionOptions } from "./call-options.ts";
import { inFlags, usage } from "./flags.ts";

/** Uses the engine here or at a server and lets go of it; errors are told in the command line's words. */
export async function useOrchestrator<T>(
  actions: Actions,
  options: ConnectionOptions,
  use: (orchestrator: Orchestrator) => Promise<T>,
): Promise<T> {
  try {
    const orchestrator = await actions.connect(connectionOf(options));
    try {
      return await use(orchestrator);
    } finally {
      await orchestrator.close();
    }
  } catch (thrown) {
    throw inFlags(OrchestratorError.from(thrown));
  }
}

function connectionOf({ config, url }: ConnectionOptions): ConnectionOptions {
  // A variable that is set to nothing says nothing.
  if (!url) return config === undefined ? {} : { config };
  const problem = instanceUrl.safeParse(url).error?.issues[0]?.message;
  if (problem === undefined) return { url };
  throw usage(`--url: ${problem}.`, "Write it as --url http://127.0.0.1:7411, or in ORCHESTRATOR_URL.");
}

/** The flags by which another command reaches the same engine. */
export function connectionFlags({ config, url }: ConnectionOptions): string {
  if (url) return url === process.env.ORCHESTRATOR_URL ? "" : ` --url ${url}`;
  return config === undefined ? "" : ` --config ${config}`;
}
