import { lookup } from "node:dns/promises";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import type { FastifyInstance } from "fastify";
import { OrchestratorError } from "../core/errors.ts";
import { isLoopback, plainAddress, urlHost } from "./address.ts";

export interface ListenOptions {
  /** Address or name of this machine. */
  host: string;
  /** 0 for the kernel's choice. */
  port: number;
}

/**
 * Starts a server of `createServer` and returns its origin, such as `http://127.0.0.1:7411`. One that
 * listens on every address gives the loopback origin.
 *
 * @throws OrchestratorError `bad_request` for a host beyond loopback without a key, or one that is not
 * this machine's; `conflict` for a port in use.
 */
export async function listen(server: FastifyInstance, { host, port }: ListenOptions): Promise<string> {
  const address = await resolve(host);
  const { guarded } = server;
  guarded.beyondLoopback = !isLoopback(address);
  if (guarded.beyondLoopback && guarded.keys().length === 0) {
    throw new OrchestratorError("bad_request", `Listening on ${host} without a key would let anyone in.`, {
      action: "Set ORCHESTRATOR_API_KEY, or listen on 127.0.0.1.",
    });
  }
  guarded.ownHosts.add(plainAddress(host)).add(address);
  if (guarded.beyondLoopback) guarded.ownHosts.add(hostname().toLowerCase());
  try {
    await server.listen({ host: address, port });
  } catch (cause) {
    throw listenError(cause, host, port);
  }
  return `http://${urlHost(reachable(address))}:${(server.server.address() as AddressInfo).port}`;
}

/** One address for one socket: a name that stands for several would split a port of the kernel's choice. */
async function resolve(host: string): Promise<string> {
  if (host.toLowerCase() === "localhost") return "127.0.0.1";
  try {
    return plainAddress((await lookup(plainAddress(host))).address);
  } catch (cause) {
    throw new OrchestratorError("bad_request", `The host ${JSON.stringify(host)} to listen on is unknown.`, {
      action: "Give an address of this machine with --host, such as 127.0.0.1.",
      cause,
    });
  }
}

function reachable(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}

function listenError(cause: unknown, host: string, port: number): OrchestratorError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE") {
    return new OrchestratorError("conflict", `Port ${port} on ${host} is in use by another program.`, {
      action: "Stop that program, or choose another port with --port (0 for any free one).",
      details: { host, port },
      cause,
    });
  }
  const why =
    code === "EADDRNOTAVAIL"
      ? "it is no address of this machine"
      : code === "EACCES"
        ? "this user may not use that port"
        : (cause as Error).message;
  return new OrchestratorError("bad_request", `Cannot listen on ${host}, port ${port}: ${why}.`, {
    action: "Choose another address with --host or another port with --port.",
    details: { host, port },
    cause,
  });
}
