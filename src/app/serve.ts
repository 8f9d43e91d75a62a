import { ConfigSource } from "../config/source.ts";
import { type Served, serve } from "../http/serve.ts";
import { type Env, keysOf } from "./app.ts";
import { createLogger } from "./logger.ts";
import { systemClock } from "./system.ts";

export interface ServeCommandOptions {
  config?: string | undefined;
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
  env?: Env;
}

/** Starts `orchestrator serve`: the cluster API. */
export function startServe({
  config: named,
  host,
  port,
  env = process.env,
}: ServeCommandOptions): Promise<Served> {
  const logger = createLogger(env);
  const config = new ConfigSource({ named, env, logger }).current();
  const { apiKey } = keysOf(env);
  return serve({
    host,
    port,
    keys: () => {
      const key = apiKey();
      return key === undefined ? [] : [key];
    },
    logger,
    clock: systemClock,
    ...(config.clusterAllow && { allow: config.clusterAllow }),
  });
}
