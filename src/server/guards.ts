import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { OrchestratorError } from "../core/errors.ts";
import { isLoopback, plainAddress } from "./address.ts";

export interface GuardOptions {
  /** Accepted bearer keys, read for each request; none means that no key is needed (on loopback). */
  keys: () => readonly string[];
  /** Route patterns that answer without a key too; a wrong key is refused there as everywhere. */
  openPaths?: readonly string[];
  /** Names or addresses, without port, that `Host` may also carry. */
  allowedHosts?: () => readonly string[];
}

/** What the guards know of a server. */
export interface Guarded extends GuardOptions {
  /** Names and addresses that it was told to listen on. */
  ownHosts: Set<string>;
  beyondLoopback: boolean;
}

/**
 * Lets a request through or throws: `forbidden` for a Host or Origin that is not ours, `unauthorized`
 * for a missing or wrong key.
 */
export function guard(request: FastifyRequest, server: Guarded): void {
  const host = request.headers.host?.toLowerCase() ?? "";
  checkHost(host, request.socket.localAddress ?? "", server);
  checkOrigin(request.headers.origin, host);
  request.authenticated = checkKey(request, server);
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
function checkOrigin(origin: string | undefined, host: string): void {
  if (origin === undefined || origin.toLowerCase() === `http://${host}`) return;
  throw new OrchestratorError("forbidden", `Pages of ${JSON.stringify(origin)} may not call this server.`, {
    action: "Call it from a program, which sends no Origin header.",
    delivery: "not_sent",
  });
}

/** Whether the request is authenticated; throws unless it is or need not be. */
function checkKey(request: FastifyRequest, { keys, openPaths, beyondLoopback }: Guarded): boolean {
  const accepted = keys().filter((key) => key !== "");
  // Keys may be taken away while it runs: a server open to the network then closes, not opens.
  if (accepted.length === 0 && !beyondLoopback) return true;
  const { authorization } = request.headers;
  if (authorization === undefined) {
    if (openPaths?.includes(request.routeOptions.url ?? "")) return false;
    throw unauthorized("This server demands a key, and the request carries none.");
  }
  const given = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (given !== undefined && matchesAny(given, accepted)) return true;
  throw unauthorized("The key in this request is none that this server accepts.");
}

function unauthorized(message: string): OrchestratorError {
  return new OrchestratorError("unauthorized", message, { delivery: "not_sent" });
}

/** Compares with every key, each in constant time. */
function matchesAny(given: string, keys: readonly string[]): boolean {
  const hash = sha256(given);
  let matches = false;
  for (const key of keys) if (timingSafeEqual(hash, sha256(key))) matches = true;
  return matches;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
