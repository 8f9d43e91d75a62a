import { expect } from "vitest";
import type { Worker } from "../../src/host/worker.ts";
import { testEngine } from "../engine/harness.ts";
import { type HandTask, type handWorker, startHost } from "../host/harness.ts";
import { connectRaw, type RawClient, type Reply } from "./raw-client.ts";

/** A client that takes tasks, of a real engine over real hosts. */
export async function fleet(
  workers: Record<string, Worker>,
  settings: NonNullable<Parameters<typeof testEngine>[0]>["settings"] = {},
) {
  const hosts = await Promise.all(
    Object.entries(workers).map(async ([name, worker]) => [name, (await startHost({ name, worker })).origin]),
  );
  const { engine } = testEngine({ fleet: Object.fromEntries(hosts), settings });
  return { engine, client: await connectRaw(engine) };
}

/** The task that a worker has in hand, once it has it. */
export async function inHand(worker: ReturnType<typeof handWorker>, index = 0): Promise<HandTask> {
  await expect.poll(() => worker.tasks.length, { timeout: 5_000 }).toBeGreaterThan(index);
  return worker.tasks[index] as HandTask;
}

export async function ended({ task }: RawClient, taskId: string): Promise<Reply["result"]> {
  let last = await task(taskId);
  await expect
    .poll(
      async () => {
        last = await task(taskId);
        return last.status;
      },
      { timeout: 5_000 },
    )
    .not.toBe("working");
  return last;
}
