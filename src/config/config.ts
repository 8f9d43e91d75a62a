import { OrchestratorError } from "../core/errors.ts";
import {
  type CredentialRef,
  type Instance,
  type InstanceSettings,
  instanceUrl,
  NAME,
} from "../core/instance.ts";
import type { AcceptedKey } from "../core/keys.ts";
import type { McpSettings } from "../core/mcp-settings.ts";
import { type ConfigFile, configSchema } from "./schema.ts";

type Env = Record<string, string | undefined>;

/** Where the cluster is looked for when nothing else is said: where `up` and `serve` listen. */
export const DEFAULT_CLUSTER_PORT = 7411;
const DEFAULT_CLUSTER_URL = `http://127.0.0.1:${DEFAULT_CLUSTER_PORT}`;

/** What is in force: the file, with the variables over it. Times are milliseconds. */
export interface Config {
  /** The file that was read, if any. */
  file?: string;
  instances: Instance[];
  /** Absent where a fleet is configured and no cluster is. */
  clusterUrl?: string;
  /** Nobody has named the cluster: it is where one is looked for when nothing is said. */
  clusterAssumed?: true;
  clusterAllow?: string[];
  keys: AcceptedKey[];
  serve: ConfigFile["serve"];
  mcp: McpSettings;
  targets?: string | string[];
  timeoutMs: number;
  waitMs: number;
  retries: number;
  healthIntervalMs: number;
  durability: ConfigFile["durability"];
  confirmAbove?: number;
  retention: { ageMs?: number; runs?: number; bytes?: number };
}

/** What a configuration without a word in it says. */
const NOTHING_SAID = configSchema.parse({});

/** Puts the file's settings and the environment's together. */
export function resolveConfig(file: ConfigFile | undefined, env: Env, path?: string): Config {
  const instances = [...fleetOf(file), ...instancesOf(env)];
  const named = urlOf(env, "ORCHESTRATOR_CLUSTER_URL") ?? file?.cluster.url;
  const clusterUrl = named ?? (instances.length === 0 ? DEFAULT_CLUSTER_URL : undefined);
  const timeoutMs = file?.timeout ?? 600_000;
  return {
    ...(path !== undefined && { file: path }),
    instances: lastOfEachName(instances),
    ...(clusterUrl !== undefined && { clusterUrl }),
    ...(clusterUrl !== named && { clusterAssumed: true }),
    ...(file?.cluster.allow && { clusterAllow: file.cluster.allow }),
    ...(file?.instances !== undefined && { targets: file.instances }),
    keys: (file?.keys ?? []).map(acceptedKey),
    serve: (file ?? NOTHING_SAID).serve,
    mcp: (file ?? NOTHING_SAID).mcp,
    timeoutMs,
    waitMs: Math.min(file?.wait ?? 45_000, timeoutMs),
    retries: file?.retries ?? 3,
    healthIntervalMs: file?.healthInterval ?? 60_000,
    durability: file?.durability ?? "normal",
    ...(file?.mcp.confirmAbove !== undefined && { confirmAbove: file.mcp.confirmAbove }),
    retention: retentionOf(file),
  };
}

function acceptedKey({ requestsPerMinute, ...key }: ConfigFile["keys"][number]): AcceptedKey {
  return { ...key, ...(requestsPerMinute !== undefined && { requestsPerMinute }) };
}

function retentionOf(file: ConfigFile | undefined): Config["retention"] {
  const { age, runs, bytes } = file?.retention ?? {};
  return {
    ...(age !== undefined && { ageMs: age }),
    ...(runs !== undefined && { runs }),
    ...(bytes !== undefined && { bytes }),
  };
}

function fleetOf(file: ConfigFile | undefined): Instance[] {
  return Object.entries(file?.fleet ?? {}).map(
    ([name, { url, protocol, tags, maxConcurrency, apiKeyEnv, apiKeyFile, ...rest }]) => ({
      name,
      url,
      origin: new URL(url).origin,
      protocol,
      tags,
      ...(maxConcurrency !== undefined && { maxConcurrency }),
      ...credentialOf({ apiKeyEnv, apiKeyFile, protocol }),
      ...settingsOf(rest),
      source: "config",
    }),
  );
}

function settingsOf({
  idleTimeout,
  ...rest
}: Omit<ConfigFile["fleet"][string], "url" | "protocol" | "tags">): { settings?: InstanceSettings } {
  const given = Object.entries({ ...rest, idleTimeoutMs: idleTimeout }).filter(
    ([, value]) => value !== undefined,
  );
  return given.length === 0 ? {} : { settings: Object.fromEntries(given) };
}

function credentialOf({
  apiKeyEnv,
  apiKeyFile,
  protocol,
}: {
  apiKeyEnv?: string | undefined;
  apiKeyFile?: string | undefined;
  protocol: Instance["protocol"];
}): { credential?: CredentialRef } {
  if (apiKeyFile !== undefined) return { credential: { from: "file", path: apiKeyFile } };
  if (apiKeyEnv !== undefined) return { credential: { from: "env", name: apiKeyEnv } };
  // Our own hosts know the key that is derived from their name and origin; it opens nothing else.
  return protocol === "rest" ? { credential: { from: "fleet" } } : {};
}

/** `ORCHESTRATOR_INSTANCES="A=http://…,B=http://…"`: a fleet without a file. */
function instancesOf(env: Env): Instance[] {
  return listOf(env.ORCHESTRATOR_INSTANCES).map((entry) => {
    const [, name = "", url = ""] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
    const parsed = instanceUrl.safeParse(url);
    if (!NAME.test(name) || !parsed.success) {
      const why = parsed.error?.issues[0]?.message ?? `"${name}" is no name of an instance`;
      throw new OrchestratorError("bad_request", `ORCHESTRATOR_INSTANCES: "${entry}": ${why}.`, {
        action: 'Write it as "A=http://10.0.0.5:7501,B=http://10.0.0.6:7501".',
      });
    }
    return {
      name,
      url,
      origin: new URL(url).origin,
      protocol: "rest",
      tags: [],
      credential: { from: "fleet" },
      source: "config",
    };
  });
}

function urlOf(env: Env, name: string): string | undefined {
  const url = env[name];
  if (!url) return undefined;
  const problem = instanceUrl.safeParse(url).error?.issues[0]?.message;
  if (problem === undefined) return url;
  throw new OrchestratorError("bad_request", `${name}: ${problem}.`, {
    action: `Write it as ${name}=${DEFAULT_CLUSTER_URL}.`,
  });
}

/** Variables come after the file, so they win. */
function lastOfEachName(instances: readonly Instance[]): Instance[] {
  return [...new Map(instances.map((instance) => [instance.name, instance])).values()];
}

function listOf(text = ""): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);
}
