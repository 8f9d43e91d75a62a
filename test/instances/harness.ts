import { afterEach } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import type { OrchestratorError } from "../../src/core/errors.ts";
import type { Instance } from "../../src/core/instance.ts";
import type { Answer, Call, Clock, InstanceClient, InstanceClients } from "../../src/core/ports.ts";
import { createInstanceClients, type InstanceClientsOptions } from "../../src/instances/clients.ts";
import { Http } from "../../src/instances/http.ts";
import { type FaultServer, faultServer, type OnBytes } from "../support/fault-server.ts";
import { recordingLogger } from "../support/logger.ts";

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function instanceAt(url: string, facts: Partial<Instance> = {}): Instance {
  return {
    name: "A",
    url,
    origin: new URL(url).origin,
    protocol: "rest",
    tags: [],
    source: "config",
    ...facts,
  };
}

/** Clients that end with the test. */
export function clientsFor(options: Partial<InstanceClientsOptions> = {}): InstanceClients {
  const clients = createInstanceClients({
    clock: realClock,
    logger: recordingLogger(),
    env: {},
    fleetKey: () => undefined,
    ...options,
  });
  cleanups.push(() => clients.close());
  return clients;
}

/** Bare HTTP that ends with the test. */
export function httpFor(): Http {
  const http = new Http(realClock);
  cleanups.push(() => http.close());
  return http;
}

/** A fault server and a client of it as instance A; both end with the test. */
export async function faultyInstance(
  limits: InstanceClientsOptions["limits"] = {},
  onBytes?: OnBytes,
): Promise<{ server: FaultServer; client: InstanceClient; clients: InstanceClients }> {
  const server = await startServer(onBytes);
  const clients = clientsFor({ limits });
  return { server, clients, client: clients.of(instanceAt(server.url)) };
}

/** A fault server that ends with the test. */
export async function startServer(onBytes?: OnBytes): Promise<FaultServer> {
  const server = await faultServer({ onBytes });
  cleanups.push(() => server.close());
  return server;
}

export function call(facts: Partial<Call> = {}): Call {
  return {
    key: "run/main/0/A/0",
    payload: 1,
    hops: 0,
    waitMs: 0,
    cancellation: new Cancellation(),
    ...facts,
  };
}

/** Delivery, reply and error code: what a row of the delivery table says. */
export function facts(answer: Answer): string {
  return [answer.delivery, answer.reply, errorOf(answer)?.code].filter(Boolean).join(" ");
}

export function errorOf(answer: Answer): OrchestratorError | undefined {
  return "error" in answer ? answer.error : undefined;
}

/** A loopback port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await faultServer();
  await server.close();
  return server.port;
}
