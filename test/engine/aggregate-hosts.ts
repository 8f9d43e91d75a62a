import type { Json } from "../../src/core/json.ts";
import type { Worker } from "../../src/host/worker.ts";
import { startHost } from "../host/harness.ts";

/** A worker that answers as it is told, and remembers what it was asked. */
export function answering(answer: Json | ((payload: Json) => Json)): Worker & { asked: Json[] } {
  const asked: Json[] = [];
  return {
    asked,
    description: { does: "Answers as the test says.", payload: "anything", example: "hello" },
    run: async ({ payload }) => {
      asked.push(payload);
      return { result: typeof answer === "function" ? answer(payload) : answer };
    },
    close: async () => {},
  };
}

/** Real hosts for these workers, by name. */
export async function fleetOfHosts(workers: Record<string, Worker>): Promise<Record<string, string>> {
  const hosts = await Promise.all(
    Object.entries(workers).map(
      async ([name, worker]): Promise<[string, string]> => [name, (await startHost({ name, worker })).origin],
    ),
  );
  return Object.fromEntries(hosts);
}
