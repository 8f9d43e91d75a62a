import type { FastifyRequest } from "fastify";
import type { Viewer } from "../core/context.ts";
import { covers, hashKey } from "../core/keys.ts";

/** Who made what a request makes; a key that is not `admin` sees only what it made itself. */
export function callerOf({ caller }: FastifyRequest): Viewer & { createdBy: string } {
  const createdBy = nameOf(caller);
  return caller && covers(caller.scopes, "admin") ? { createdBy } : { createdBy, only: createdBy };
}

function nameOf(caller: FastifyRequest["caller"]): string {
  // Two sessions' tokens are two callers, each with idempotency keys of its own.
  if (caller?.sessionToken !== undefined) return `rest:token:${hashKey(caller.sessionToken).slice(-10)}`;
  return caller?.name === undefined ? "rest" : `rest:${caller.name}`;
}
