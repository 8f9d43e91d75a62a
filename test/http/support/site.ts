import { Agent, type Dispatcher } from "undici";
import { type AcceptedKey, hashKey, type Scope } from "../../../src/core/keys.ts";
import type { ServeOptions } from "../../../src/http/serve.ts";
import { testEngine } from "../../engine/harness.ts";
import { echoWorker, onEnd, startHost } from "../../host/harness.ts";
import type { Reply } from "../../support/http.ts";
import { recordingLogger } from "../../support/logger.ts";
import { startServer } from "../harness.ts";
import { type Endpoint, endpoints } from "./endpoints.ts";

/** Whose keys the server accepts, each one's name being the key, and what each may do. */
export const SCOPES = {
  root: ["admin"],
  ci: ["send"],
  other: ["send"],
  reader: ["read"],
  member: ["register"],
} as const satisfies Record<string, readonly Scope[]>;

export interface Options {
  /** Sent as it is if it is text or bytes, else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Site {
  origin: string;
  /** What the workers of A and B were given. */
  worker: ReturnType<typeof echoWorker>;
  logger: ReturnType<typeof recordingLogger>;
  engine: ReturnType<typeof testEngine>;
  /** A run, a session and a lease that `ci` or the member made. */
  ids: { runId: string; sessionId: string; token: string; leaseId: string };
  endpoints: Endpoint[];
  /** Calls with the key of that name, or with the token that it is; with none for "". */
  call(as: string, method: Dispatcher.HttpMethod, path: string, options?: Options): Promise<Reply>;
}

export interface SiteOptions extends Partial<ServeOptions> {
  /** More instances, by name their URLs. */
  fleet?: Record<string, string>;
}

/** A server with keys over real instances A and B, with one run, one session and one member in it. */
export async function startSite({ fleet, ...options }: SiteOptions = {}): Promise<Site> {
  const worker = echoWorker();
  const host = await startHost({ worker });
  const engine = testEngine({ fleet: { A: host.origin, B: host.origin, ...fleet } });
  const keys = Object.entries(SCOPES).map(
    ([name, scopes]): AcceptedKey => ({ name, hash: hashKey(name), scopes }),
  );
  const logger = recordingLogger();
  const served = await startServer({ engine: engine.engine, logger, keys: () => keys, ...options });
  onEnd(() => served.close());
  const call = caller(served.origin);
  const made = async (as: string, path: string, body: object) =>
    (await call(as, "POST", path, { body })).body;
  const { runId } = await made("ci", "/orchestrator/route", { instances: ["A"], payload: "made by ci" });
  const { token } = await made("ci", "/orchestrator/sessions/spawn", { sessionId: "s", instance: "A" });
  const { leaseId } = await made("member", "/api/cluster/register", { skillId: "x" });
  const ids = { runId, sessionId: "s", token, leaseId };
  worker.runs.length = 0;
  return { origin: served.origin, worker, logger, engine, ids, endpoints: endpoints(ids), call };
}

/** Calls a server on connections that end with the test. */
export function caller(origin: string): Site["call"] {
  const dispatcher = new Agent();
  onEnd(() => dispatcher.destroy());
  return async (as, method, path, { body, headers } = {}) => {
    const isText = typeof body === "string" || body instanceof Uint8Array;
    const response = await dispatcher.request({
      ...{ origin, path, method },
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(as !== "" && { authorization: `Bearer ${as}` }),
        ...headers,
      },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.body.text();
    const isJson = String(response.headers["content-type"]).startsWith("application/json");
    return {
      status: response.statusCode,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  };
}
