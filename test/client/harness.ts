import { OrchestratorClient, type OrchestratorClientOptions } from "../../src/client/client.ts";
import type { ServeOptions } from "../../src/http/serve.ts";
import { type TestEngineOptions, testEngine } from "../engine/harness.ts";
import { handWorker, onEnd, startHost } from "../host/harness.ts";
import { startServer } from "../http/harness.ts";
import { type FaultServer, faultServer } from "../support/fault-server.ts";

export { done, refusalOf } from "../engine/harness.ts";

export type HandWorker = ReturnType<typeof handWorker>;

/** A client that makes its repeats without pauses and ends with the test. */
export function clientOf(url: string, options: Partial<OrchestratorClientOptions> = {}): OrchestratorClient {
  const client = new OrchestratorClient({ url, random: () => 0, ...options });
  onEnd(() => client.close());
  return client;
}

/** A fault server that ends with the test. */
export async function startFaults(): Promise<FaultServer> {
  const server = await faultServer();
  onEnd(() => server.close());
  return server;
}

/** The real server over instances A, B… whose tasks end when the test says so. */
export async function startFleet(
  size = 1,
  {
    engine: engineOptions,
    ...options
  }: Partial<Omit<ServeOptions, "engine">> & { engine?: TestEngineOptions } = {},
) {
  const workers = Array.from({ length: size }, () => handWorker());
  const hosts = await Promise.all(workers.map((worker) => startHost({ worker })));
  const fleet = Object.fromEntries(hosts.map(({ origin }, index) => ["ABCDEFGH"[index], origin]));
  const engine = testEngine({ fleet, ...engineOptions });
  const served = await startServer({ engine: engine.engine, ...options });
  onEnd(() => served.close());
  return {
    ...{ url: served.origin, served, engine, hosts, workers },
    /** Tasks that were begun at all instances: how often work was done. */
    begun: () => workers.reduce((sum, { tasks }) => sum + tasks.length, 0),
    /** Each task is finished as soon as it is begun, with its instance's number. */
    finishAll: () => {
      const timer = setInterval(() => {
        workers.forEach(({ tasks }, index) => {
          for (const task of tasks) task.finish({ from: index });
        });
      }, 5);
      onEnd(async () => clearInterval(timer));
    },
  };
}
