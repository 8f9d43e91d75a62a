import { timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { OrchestratorError } from "../core/errors.ts";
import { type AcceptedKey, covers, hashKey, type Scope } from "../core/keys.ts";
import { TOKEN_PREFIX } from "../core/session.ts";
import { isLoopback, plainAddress } from "./address.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a key needs to be let in; any accepted key where it is absent. */
    scope?: Scope;
    /** Answers without a key too; a wrong key is refused there as everywhere. */
    open?: boolean;
    /** Takes a session's token in place of a key; the route checks whose it is. */
    sessionToken?: boolean;
  }
  interface FastifyRequest {
    /** Who calls; undefined on an open path without a key. */
    caller: Caller | undefined;
  }
}

/** Who calls, by the key that the request carried. */
export interface Caller {
  name?: string;
  scopes: readonly Scope[];
  requestsPerMinute?: number;
  /** The token of one session, in place of a key. */
  sessionToken?: string;
}

export interface GuardOptions {
  /** Accepted keys, read for each request; none means that no key is needed (on loopback). */
  keys: () => readonly AcceptedKey[];
  /** Names or addresses, without port, that `Host` may also carry. */
  allowedHosts?: () => readonly string[];
  /** Origins whose pages may call, such as `https://app.example`. */
  allowedOrigins?: () => readonly string[];
}

/** What the guards know of a server. */
export interface Guarded extends GuardOptions {
  /** Names and addresses that it was told to listen on. */
  ownHosts: Set<string>;
  beyondLoopback: boolean;
}

/**
 * Lets a request through or throws: `forbidden` for a Host or Origin that is not ours and for a key
 * without the scope, `unauthorized` for a missing or wrong key.
 */
export function guard(request: FastifyRequest, server: Guarded): void {
  const host = request.headers.host?.toLowerCase() ?? "";
  checkHost(host, request.socket.localAddress ?? "", server);
  checkOrigin(request.headers.origin, host, server);
  // A browser asks by itself whether a page may call, and sends no key with that.
  if (request.method === "OPTIONS" && request.headers["access-control-request-method"]) return;
  request.caller = callerOf(request, server);
  checkScope(request);
}

const HOST = /^(\[[0-9a-f:.]+\]|[^\s:/@?#[\]]+)(?::\d{1,5})?$/;

/** A web page that rebinds its own name to our address sends that name. */
function checkHost(host: string, localAddress: string, { ownHosts, allowedHosts }: Guarded): void {
  const name = plainAddress(HOST.exec(host)?.[1] ?? "");
  if (name === "localhost" || isLoopback(name)) return;
  if (name !== "" && (name === plainAddress(localAddress) || ownHosts.has(name))) return;
  if (name !== "" && allowedHosts?.().some((allowed) => plainAddress(allowed) === name)) return;
  throw new OrchestratorError(
    "forbidden",
    `This server does not answer to the host ${JSON.stringify(host)}.`,
    {
      action: "Call it by the address that it listens on, or add this name to its allowed hosts.",
      delivery: "not_sent",
    },
  );
}

/** Host is known to be ours by now, so a page of ours has just this origin. */
function checkOrigin(origin: string | undefined, host: string, { allowedOrigins }: Guarded): void {
  if (origin === undefined || origin.toLowerCase() === `http://${host}`) return;
  if (allowedOrigins?.().includes(origin)) return;
  throw new OrchestratorError("forbidden", `Pages of ${JSON.stringify(origin)} may not call this server.`, {
    action: "Call it from a program, which sends no Origin header.",
    delivery: "not_sent",
  });
}

/** Whoever needs no key may do everything. */
const ANYBODY: Caller = { scopes: ["admin"] };

/** @throws OrchestratorError `unauthorized` unless the request is authenticated or need not be. */
function callerOf(request: FastifyRequest, { keys, beyondLoopback }: Guarded): Caller | undefined {
  const { open, sessionToken } = request.routeOptions.config;
  const { authorization } = request.headers;
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (sessionToken && given?.startsWith(TOKEN_PREFIX)) return { scopes: [], sessionToken: given };
  const accepted = keys();
  // Keys may be taken away while it runs: a server open to the network then closes, not opens.
  if (accepted.length === 0 && !beyondLoopback) return ANYBODY;
  if (authorization === undefined) {
    if (open) return undefined;
    throw unauthorized("This server demands a key, and the request carries none.");
  }
  const key = given === undefined ? undefined : matching(given, accepted);
  if (key) return key;
  throw unauthorized("The key in this request is none that this server accepts.");
}

function unauthorized(message: string): OrchestratorError {
  return new OrchestratorError("unauthorized", message, { delivery: "not_sent" });
}

function checkScope({ caller, routeOptions }: FastifyRequest): void {
  const { scope } = routeOptions.config;
  if (scope === undefined || !caller || caller.sessionToken !== undefined) return;
  demandScope(caller, scope);
}

/** @throws OrchestratorError `forbidden` for a caller whose key does not have the scope. */
export function demandScope(caller: Caller, scope: Scope): void {
  if (covers(caller.scopes, scope)) return;
  throw new OrchestratorError(
    "forbidden",
    `The key${caller.name ? ` "${caller.name}"` : ""} has the scope ${caller.scopes.join(", ")}, and this call needs ${scope}.`,
    { delivery: "not_sent" },
  );
}

/** Compares with every key, each in constant time. */
function matching(given: string, keys: readonly AcceptedKey[]): AcceptedKey | undefined {
  const hash = Buffer.from(hashKey(given));
  let found: AcceptedKey | undefined;
  for (const key of keys) {
    const other = Buffer.from(key.hash);
    if (other.length === hash.length && timingSafeEqual(hash, other)) found = key;
  }
  return found;
}
