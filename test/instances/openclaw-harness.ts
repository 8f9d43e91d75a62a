import { afterEach } from "vitest";
import type { InstanceSettings } from "../../src/core/instance.ts";
import type { Call } from "../../src/core/ports.ts";
import { type Fault, faultServer } from "../support/fault-server.ts";
import { type GatewayServer, type GatewayServerOptions, gatewayServer } from "../support/gateway-server.ts";
import { call, clientsFor, instanceAt } from "./harness.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function started(options?: GatewayServerOptions): Promise<GatewayServer> {
  const server = await gatewayServer({ token: "right", ...options });
  ends.push(() => server.close());
  return server;
}

/** With the token `right`, unless its environment is given another. */
export function clientOf(url: string, settings: InstanceSettings = {}, env = { TOKEN: "right" }) {
  const credential = { from: "env", name: "TOKEN" } as const;
  const client = clientsFor({ env }).of(instanceAt(url, { protocol: "openclaw", settings, credential }));
  const send = (payload: Call["payload"], more: Partial<Call> = {}) =>
    client.send(call({ payload, ...more }));
  return { client, send, env };
}

/** A gateway that ends with the test, and a client of it as instance A. */
export async function gateway(options: GatewayServerOptions = {}, settings: InstanceSettings = {}) {
  const server = await started(options);
  return { server, ...clientOf(server.url, settings) };
}

/** A server that does one thing to every request. */
export async function faulty(fault: Fault, settings: InstanceSettings = {}) {
  const server = await faultServer();
  server.play(fault);
  ends.push(() => server.close());
  return { server, ...clientOf(server.url, settings) };
}
