import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Actions, InstanceCommand, WorkerChoice } from "../cli/actions.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../core/ports.ts";
import type { Worker } from "../host/worker.ts";
import type { GroupRecords } from "../host/workers/group-records.ts";

/** What each command does; a command loads only what it needs. */
export function createActions(program: string, version: string): Actions {
  return {
    version,
    program,
    mcp: async ({ url, ...options }) =>
      url === undefined
        ? (await import("./mcp.ts")).startMcp({ ...options, version })
        : (await import("./mcp-proxy.ts")).startMcpProxy({ ...options, url, version }),
    mcpHttp: async (options) => (await import("./mcp-http.ts")).startMcpHttp({ ...options, version }),
    serve: async (options) => (await import("./serve.ts")).startServe({ ...options, version }),
    instance: startInstanceCommand,
    up: async (options, onEvent) => (await import("./up.ts")).startFleet(program, options, onEvent),
    async doctor({ config }) {
      const { createApp } = await import("./app.ts");
      const app = createApp({ config, logLevel: "silent" });
      try {
        return await (await import("./doctor.ts")).examine(app);
      } finally {
        await app.close();
      }
    },
    init: async (options) => (await import("./init.ts")).writeFirstConfig(options),
    async connect({ config, url }) {
      if (url === undefined) {
        const { openOrchestrator } = await import("./orchestrator.ts");
        return openOrchestrator({ config, createdBy: "cli", logLevel: "warn" });
      }
      const { OrchestratorClient } = await import("../client/client.ts");
      return new OrchestratorClient({ url, apiKey: process.env.ORCHESTRATOR_API_KEY });
    },
  };
}

const startInstanceCommand: Actions["instance"] = async (options, onProgress) => {
  const { startInstance } = await import("./instance.ts");
  let made: Worker | undefined;
  const { clusterUrl, durability } = await configured(options);
  const running = await startInstance({
    ...options,
    clusterUrl: options.cluster ?? clusterUrl,
    durability,
    worker: async (logger, groups) =>
      (made = await makeWorker(options.worker, { logger, groups }, onProgress)),
  });
  return {
    started: { instance: options.name, url: running.url, pid: process.pid, facts: made?.facts?.() ?? {} },
    registered: running.registered,
    stop: (graceMs) => running.stop(graceMs),
  };
};

async function configured({ config }: InstanceCommand): Promise<Config> {
  const { ConfigSource } = await import("../config/source.ts");
  const { createLogger } = await import("./logger.ts");
  const source = new ConfigSource({ named: config, env: process.env, logger: createLogger(process.env) });
  try {
    return source.current();
  } finally {
    source.close();
  }
}

async function makeWorker(
  choice: WorkerChoice,
  { logger, groups }: { logger: Logger; groups: GroupRecords },
  onProgress: (done: number, total: number) => void,
): Promise<Worker> {
  const { createWorker } = await import("../host/workers/index.ts");
  if (choice.kind === "exec" || choice.kind === "agent") return createWorker({ ...choice, groups });
  if (choice.kind === "module") return createWorker(choice);
  return createWorker({
    kind: "search",
    root: resolve(choice.root ?? "."),
    // The home folder and / are searched only by those who say so.
    explicitRoot: choice.root !== undefined,
    home: homedir(),
    only: choice.only,
    share: choice.share,
    logger,
    onProgress: ({ files, totalFiles }) => onProgress(files, totalFiles),
  });
}
