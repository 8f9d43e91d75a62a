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

/**
 * Where the engine is. Who names a configuration means the engine here, whatever the variable says.
 *
 * @throws OrchestratorError `bad_request` for two places, and for what is no URL.
 */
export function connectionOf({ config, url }: ConnectionOptions): ConnectionOptions {
  if (config !== undefined && url !== undefined)
    throw usage("--config is for the engine here, and --url for one elsewhere: give one of them.");
  // A variable that is set to nothing says nothing.
  const place = url ?? (config === undefined ? process.env.ORCHESTRATOR_URL || undefined : undefined);
  if (place === undefined) return config === undefined ? {} : { config };
  const problem = instanceUrl.safeParse(place).error?.issues[0]?.message;
  if (problem === undefined) return { url: place };
  throw usage(`--url: ${problem}.`, "Write it as --url http://127.0.0.1:7411, or in ORCHESTRATOR_URL.");
}

/** The flags by which another command reaches the same engine. */
export function connectionFlags({ config, url }: ConnectionOptions): string {
  if (url !== undefined) return url === process.env.ORCHESTRATOR_URL ? "" : ` --url ${url}`;
  return config === undefined ? "" : ` --config ${config}`;
}
