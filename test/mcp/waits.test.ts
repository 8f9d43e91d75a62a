import { describe, expect, it } from "vitest";
import type { DelegateAnswer } from "../../src/core/answers.ts";
import type { CallContext } from "../../src/core/context.ts";
import { call, connect, engineWith } from "./harness.ts";

// The engine is one by hand: the real wait is 50 s.

const pending: DelegateAnswer = {
  runId: "run-1",
  instance: "A",
  delivery: "accepted",
  reply: "pending",
  attempts: [],
  explanation: { order: ["A"], excluded: [] },
};

/** A client, and what its calls reach the engine with. */
async function setUp() {
  const contexts: CallContext[] = [];
  const waits: (number | undefined)[] = [];
  const client = await connect(
    engineWith({
      delegate: async ({ wait }, context) => {
        waits.push(wait);
        contexts.push(context);
        return pending;
      },
      runsGet: async ({ runId, wait }) => {
        waits.push(wait);
        return { runId, instance: "A", reply: "pending", offset: 0, text: "", totalChars: 0 };
      },
    }),
  );
  return { client, contexts, waits };
}

describe("the wait of a call", () => {
  it("is well below the minute after which clients give up, whatever is asked for or configured", async () => {
    const { client, contexts, waits } = await setUp();
    await call(client, "delegate", { instances: ["A"] });
    await call(client, "delegate", { instances: ["A"], wait: "10m" });
    await call(client, "runs_get", { runId: "run-1", wait: "10m" });
    await call(client, "runs_get", { runId: "run-1", wait: "5s" });
    await call(client, "runs_get", { runId: "run-1" });
    expect(waits).toEqual([undefined, 50_000, 50_000, 5_000, undefined]);
    expect(contexts.map(({ longestWaitMs }) => longestWaitMs)).toEqual([50_000, 50_000]);
  });

  it("that was cut short is told with the handle", async () => {
    const { client } = await setUp();
    const cut = await call(client, "delegate", { instances: ["A"], wait: "10m" });
    expect(cut.structured).toMatchObject({ runId: "run-1", reply: "pending" });
    expect(cut.text).toMatch(
      /wait for it with runs_get .*\nThis call stayed open for the 50\.0 s that it may: clients give longer ones up\.$/,
    );
    const whole = await call(client, "delegate", { instances: ["A"], wait: "50s" });
    expect(whole.text).not.toContain("stayed open");
  });
});
