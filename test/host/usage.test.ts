import { expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import { openJournal } from "../../src/host/journal.ts";
import { taskIdOf } from "../../src/host/task-record.ts";
import type { Worker } from "../../src/host/worker.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { countingIds, startHost } from "./harness.ts";
import { systemClock } from "./harness-clock.ts";

const usage = { inputTokens: 7, outputTokens: 2, totalTokens: 9, costUsd: 0.5 };

/** Says what it has used, also when it fails. */
const worker: Worker = {
  description: { does: "Counts.", payload: "text", example: "hello" },
  async run({ payload }) {
    if (payload === "free") return { result: "free" };
    if (payload !== "fail") return { result: payload, usage };
    throw new OrchestratorError("instance_error", "It failed.", { details: { exitCode: 1, usage } });
  },
  close: async () => {},
};

it("What a task has used stands beside its result or error, and again for the same key", async () => {
  const host = await startHost({ worker });
  for (const _ of ["first", "again"]) {
    expect((await host.post("one", { key: "done" })).body).toMatchObject({ reply: "done", usage });
    const { body } = await host.post("fail", { key: "failed" });
    expect(body).toMatchObject({ reply: "failed", usage, error: { code: "instance_error" } });
    expect(body.error.details).toEqual({ exitCode: 1 });
    expect((await host.call("GET", "/api/tasks?key=done")).body.usage).toEqual(usage);
  }
  expect((await host.post("free")).body).not.toHaveProperty("usage");
  const id = await host.open();
  expect((await host.message(id, { data: "two", seq: 1, epoch: 1 })).body).toMatchObject({ usage });
});

it("What a message has used is known also when its end came to its session and not to the journal", async () => {
  const store = createMemoryStore({ clock: systemClock });
  const first = await startHost({ worker, store });
  const id = await first.open();
  await first.message(id, { data: "one", seq: 1, epoch: 1 }, { key: "k" });
  await first.close();
  // As a process leaves it that dies between the two.
  await store.delete(`task/${taskIdOf("k")}`);
  const journal = await openJournal({ store, clock: systemClock, ids: countingIds });
  await journal.accept("k", { sessionId: id, seq: 1 });

  const second = await startHost({ worker, store });
  expect((await second.call("GET", "/api/tasks?key=k")).body).toMatchObject({
    reply: "done",
    result: "one",
    usage,
  });
});
