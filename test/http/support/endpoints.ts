import type { Scope } from "../../../src/core/keys.ts";
import { hasBody, type Operation } from "../../../src/http/operation.ts";
import { OPERATIONS } from "../../../src/http/operations.ts";
import { BASES } from "../../../src/http/orchestrator-api.ts";

/** One way to call the server, and a call of it that does no harm. */
export interface Endpoint {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  /** Such as `POST /orchestrator/route`. */
  title: string;
  /** What a key needs; absent where it answers without one. */
  scope?: Scope;
  sessionToken?: boolean;
  /** A body that is taken. */
  body?: object;
  /** Of the Orchestrator API. */
  operation?: Operation;
}

/** Of each call with a body, one that is taken. */
export const EXAMPLES: Record<string, object> = {
  route: { instances: ["A"], payload: 1 },
  fanout: { targets: ["A", "B"], payload: 1 },
  orchestrate: { steps: [{ id: "a", delegate: { instances: ["A"], payload: 1 } }] },
  aggregate: { responses: [{ instance: "A", result: 1 }], strategy: "collect" },
  sessions_spawn: { sessionId: "s" },
  sessions_send: { sessionId: "s", data: 1 },
  runs_keep_answer: { answer: { status: "cancelled" } },
};

/** Every endpoint under every path that it has. */
export function endpoints({ runId, sessionId, leaseId }: Record<"runId" | "sessionId" | "leaseId", string>) {
  const found: Endpoint[] = [];
  const add = (endpoint: Omit<Endpoint, "title">) => {
    found.push({ ...endpoint, title: `${endpoint.method} ${endpoint.path}` });
  };
  for (const base of BASES) {
    for (const operation of OPERATIONS) {
      const { name, method, path, aliases = [], scope, sessionToken = false, idField } = operation;
      const id = idField === "runId" ? runId : sessionId;
      if (hasBody(operation) && !EXAMPLES[name]) throw new Error(`EXAMPLES has no body for ${name}`);
      for (const each of [path, ...aliases])
        add({
          ...{ method, scope, sessionToken, operation },
          path: `${base}/${each.replace(":id", id)}`,
          ...(hasBody(operation) && { body: EXAMPLES[name] as object }),
        });
    }
    add({ method: "GET", path: `${base}/runs/${runId}/events`, scope: "read", sessionToken: true });
  }
  add({ method: "POST", path: "/api/cluster/register", scope: "register", body: { skillId: "y" } });
  add({ method: "PUT", path: `/api/cluster/leases/${leaseId}`, scope: "register", body: {} });
  add({ method: "DELETE", path: `/api/cluster/leases/${leaseId}`, scope: "register" });
  add({ method: "GET", path: "/api/cluster/members", scope: "read" });
  add({ method: "GET", path: "/api/health/check" });
  add({ method: "GET", path: "/openapi.json" });
  return found;
}

/** Those that take a body. */
export function withBody(all: readonly Endpoint[]): Endpoint[] {
  return all.filter(({ body }) => body !== undefined);
}
