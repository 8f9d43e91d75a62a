import { type AcceptedKey, adminKey } from "../core/keys.ts";
import type { App } from "./app.ts";

/** Who may call a server of ours, and how often: as environment and configuration say at each request. */
export function serverGuards(app: App) {
  const { config } = app;
  return {
    keys: () => acceptedKeys(app),
    requestsPerMinute: () => config.current().serve.requestsPerMinute,
    allowedHosts: () => config.current().serve.hosts,
    allowedOrigins: () => config.current().serve.origins,
  };
}

/** The key of the environment, which may do everything, and those of the configuration. */
function acceptedKeys({ keys, config }: App): AcceptedKey[] {
  const key = keys.apiKey();
  return [...(key === undefined ? [] : [adminKey(key)]), ...config.current().keys];
}
