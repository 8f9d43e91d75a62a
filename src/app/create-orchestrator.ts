import type { OrchestratorConfig } from "../config/public.ts";
import type { Orchestrator } from "../core/orchestrator.ts";
import { openOrchestrator } from "./orchestrator.ts";

export interface OrchestratorOptions {
  /**
   * Path of a configuration file, or what one would say. Without it `ORCHESTRATOR_CONFIG`, then the user's
   * own; a fleet without a file is `ORCHESTRATOR_INSTANCES`, or what the cluster lists.
   */
  config?: string | OrchestratorConfig;
  /** The folder of runs and sessions, shared with other processes; the platform's place for data unless given. */
  stateDir?: string;
  /** Of the JSON lines on stderr; `warn` unless given, or what `ORCHESTRATOR_LOG_LEVEL` says. */
  logLevel?: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
  /** Who makes the calls, as runs record it; `import` unless given. */
  createdBy?: string;
}

/**
 * The engine in this process. It polls the fleet's health and takes up what dead processes left open, until
 * it is closed; it keeps the process alive while a call is under way, and not longer.
 *
 * A configuration that is wrong is an error of each call.
 */
export function createOrchestrator(options: OrchestratorOptions = {}): Orchestrator {
  const { config, stateDir, logLevel = "warn", createdBy = "import" } = options;
  return openOrchestrator({
    createdBy,
    logLevel,
    start: true,
    ...(typeof config === "object" ? { settings: config } : { config }),
    ...(stateDir !== undefined && { env: { ...process.env, ORCHESTRATOR_STATE_DIR: stateDir } }),
  });
}
