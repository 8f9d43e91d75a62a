import type { Worker } from "../worker.ts";
import type { AgentOptions } from "./agent.ts";
import type { ExecOptions } from "./exec.ts";
import type { ModuleOptions } from "./module.ts";
import type { SearchOptions } from "./search.ts";

/** A worker by its kind, with that kind's options. */
export type WorkerSpec =
  | ({ kind: "search" } & SearchOptions)
  | ({ kind: "exec" } & ExecOptions)
  | ({ kind: "agent" } & AgentOptions)
  | ({ kind: "module" } & ModuleOptions);

/**
 * Makes a worker ready for tasks; only what its kind needs is loaded.
 * @throws OrchestratorError `bad_request` that says what is wrong with the options.
 */
export async function createWorker(spec: WorkerSpec): Promise<Worker> {
  switch (spec.kind) {
    case "search":
      return (await import("./search.ts")).createSearchWorker(spec);
    case "exec":
      return (await import("./exec.ts")).createExecWorker(spec);
    case "agent":
      return (await import("./agent.ts")).createAgentWorker(spec);
    case "module":
      return (await import("./module.ts")).createModuleWorker(spec);
  }
}
