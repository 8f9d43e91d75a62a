import type { Dispatcher, Pool } from "undici";
import { isErrorCode, OrchestratorError } from "../core/errors.ts";
import { isObject, type Json, parseJson } from "../core/json.ts";

export interface ConnectionOptions {
  /** The cluster's URL; its API is at `api/cluster/` below it. */
  url: string;
  /** Read for each request; it goes to this URL's origin alone. */
  apiKey: () => string | undefined;
}

export interface ClusterRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below `api/cluster/`. */
  path: string;
  body?: unknown;
  /** Gives up; after 5 s unless told otherwise. */
  signal?: AbortSignal;
  /** Most bytes of the answer; 64 KiB unless told otherwise. */
  limit?: number;
}

/** HTTP to one cluster: short timeouts, capped answers, no redirects. */
export interface ClusterConnection {
  /**
   * The body of a 2xx answer; `undefined` for 404.
   * @throws OrchestratorError `instance_down` when nothing answers; what the cluster refused with; or
   * `instance_error` when what answers is no cluster.
   */
  request(request: ClusterRequest): Promise<Json | undefined>;
  /** Ends every connection at once. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
const LIMIT = 64 * 1024;

export function connectCluster({ url, apiKey }: ConnectionOptions): ClusterConnection {
  const base = new URL("api/cluster/", url.endsWith("/") ? url : `${url}/`);
  let pool: Promise<Pool> | undefined;

  return {
    async request({ method, path, body, signal = AbortSignal.timeout(TIMEOUT_MS), limit = LIMIT }) {
      const key = apiKey();
      pool ??= openPool(base.origin);
      const { status, text } = await exchange(await pool, limit, {
        method,
        path: base.pathname + path,
        headers: {
          ...(key && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      }).catch((thrown) => {
        throw thrown instanceof OrchestratorError ? thrown : missing(base.origin, thrown);
      });
      if (status === 404) return undefined;
      const answer = parseJson(text);
      if (status < 200 || status > 299) throw refusal(base.origin, status, answer);
      if (answer === undefined) throw noCluster(base.origin, "with what is not JSON");
      return answer;
    },
    async close() {
      await (await pool)?.destroy();
    },
  };
}

/** undici takes a tenth of a second to load: it waits for the first request. */
async function openPool(origin: string): Promise<Pool> {
  // Its default export alone survives the bundling of a CommonJS package.
  const { default: undici } = await import("undici");
  return new undici.Pool(origin, { connections: 2, connect: { timeout: TIMEOUT_MS } });
}

async function exchange(
  pool: Pool,
  limit: number,
  options: Dispatcher.RequestOptions,
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await pool.request(options);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new OrchestratorError("payload_too_large", "The cluster's answer is too large.");
    chunks.push(chunk);
  }
  return { status: statusCode, text: Buffer.concat(chunks).toString("utf8") };
}

function missing(url: string, cause: unknown): OrchestratorError {
  const { name, code, message } = cause as NodeJS.ErrnoException;
  const why = name === "TimeoutError" ? "no answer in time" : message || code;
  return new OrchestratorError("instance_down", `The cluster at ${url} does not answer: ${why}.`, {
    action: "Start it with `orchestrator serve` or `orchestrator up`, or set ORCHESTRATOR_CLUSTER_URL.",
    cause,
  });
}

/** What a cluster said in the envelope of every error; anything else is none of a cluster. */
function refusal(url: string, status: number, answer: Json | undefined): OrchestratorError {
  const { code, message, action } = isObject(answer) && isObject(answer.error) ? answer.error : {};
  if (!isErrorCode(code) || typeof message !== "string") return noCluster(url, `with status ${status}`);
  return new OrchestratorError(code, `The cluster at ${url} refused: ${message}`, {
    action: typeof action === "string" ? action : undefined,
  });
}

/** Something answers at the cluster's URL, but not as a cluster does. */
export function noCluster(url: string, how: string): OrchestratorError {
  return new OrchestratorError(
    "instance_error",
    `What answers at ${url} is no cluster: it answered ${how}.`,
    {
      action: "Correct the cluster's URL, or see which program listens there.",
    },
  );
}
