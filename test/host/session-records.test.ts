import { expect, it } from "vitest";
import { SessionRecords } from "../../src/host/session-records.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { countingIds } from "./harness.ts";
import { systemClock } from "./harness-clock.ts";

it("keeps a history of more turns than one listing holds, in order", async () => {
  const store = createMemoryStore({ clock: systemClock });
  const records = new SessionRecords({ store, clock: systemClock, ids: countingIds });
  const { id } = await records.open({ sessionId: "s", epoch: 1, history: [{ data: "given", result: 0 }] });
  const read = async () => (await records.read(id))!;
  for (let seq = 1; seq <= 2500; seq++) {
    await records.advance(await read(), {
      seq,
      taskId: `t${seq}`,
      data: seq,
      reply: { result: seq, state: seq },
    });
  }
  expect((await read()).record).toMatchObject({ seq: 2500, state: 2500 });
  expect((await records.history((await read()).record)).map(({ result }) => result)).toEqual(
    Array.from({ length: 2501 }, (_, index) => index),
  );
  expect(await records.remove(id)).toBe(true);
  expect(await store.list("turn/")).toEqual([]);
});
