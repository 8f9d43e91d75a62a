import fc from "fast-check";
import { expect, it } from "vitest";
import { openJournal } from "../../src/host/journal.ts";
import { type TaskRecord, taskIdOf } from "../../src/host/task-record.ts";
import { Tasks, type Work } from "../../src/host/tasks.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { recordingLogger } from "../support/logger.ts";
import { countingIds, unevenStore } from "./harness.ts";
import { systemClock as clock } from "./harness-clock.ts";

const ticks = async (count: number) => {
  for (let tick = 0; tick < count; tick++) await new Promise((resolve) => setImmediate(resolve));
};

it("Posts, cancellations and questions of one key agree, whatever the order of their reads and writes", async () => {
  const store = unevenStore(createMemoryStore({ clock }));
  const journal = await openJournal({ store, clock, ids: countingIds });
  const answered = async () => undefined;
  const tasks = new Tasks({ name: "A", journal, clock, logger: recordingLogger(), capacity: 100, answered });
  const seen = new Set<string>();
  let lastKey = 0;

  const call = fc.record({
    what: fc.constantFrom("post", "cancel", "ask"),
    after: fc.nat(8),
    stops: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 8 }), async (calls) => {
      const key = `key-${++lastKey}`;
      const taskId = taskIdOf(key);
      let executions = 0;
      const work = (index: number, stops: boolean): Work => ({
        withdraw: () => {},
        run: async (cancellation) => {
          executions++;
          await ticks(index % 3);
          if (stops) cancellation.throwIfCancelled();
          return { result: executions };
        },
      });
      const run = async (call: (typeof calls)[number], index: number): Promise<TaskRecord | undefined> => {
        const { what, after, stops } = call;
        await ticks(after);
        if (what === "post") return (await tasks.submit(key, async () => work(index, stops))).ended;
        if (what === "cancel") return (await tasks.cancel(taskId, key))?.ended;
        return (await tasks.find(taskId))?.ended;
      };
      const records = await Promise.all(calls.map(run));
      const truth = (await journal.read(taskId))?.record;
      for (const [index, record] of records.entries()) {
        if (record || calls[index]!.what !== "ask") expect(record).toEqual(truth);
      }
      expect(truth?.state).not.toBe("working");
      expect(executions).toBe(truth === undefined || truth.state === "tombstone" ? 0 : 1);
      if (truth && "error" in truth) expect(truth.error.code).toBe("cancelled");
      expect(tasks.unfinished).toBe(0);
      seen.add(String(truth?.state));
    }),
    { numRuns: 400 },
  );
  expect([...seen]).toEqual(expect.arrayContaining(["done", "cancelled", "tombstone"]));
});
