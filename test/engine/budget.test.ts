import { expect, it } from "vitest";
import { startServer } from "../instances/harness.ts";
import { fakeClock } from "../support/clock.ts";
import { done, refuse } from "../support/faults.ts";
import { refusalOf, testEngine } from "./harness.ts";

const busy = refuse(503, { code: "overloaded", delivery: "not_sent" });

it("retries stop at ten and a fifth of the calls, and the run says so", async () => {
  const a = await startServer();
  a.play(done());
  const { delegate, fanout } = testEngine({
    fleet: { A: a.url },
    clock: fakeClock(),
    settings: { retries: 1 },
  });
  for (let task = 0; task < 9; task++) await delegate({ instances: ["A"] });
  a.play(busy);
  const before = a.requests.length;
  // With these eleven there are twenty calls, so fourteen retries are allowed; each takes one.
  for (let task = 0; task < 11; task++) await refusalOf(delegate({ instances: ["A"] }));
  expect(a.requests.length - before).toBe(11 + 11);
  const retries: number[] = [];
  for (let task = 0; task < 5; task++) {
    const sent = a.requests.length;
    const { warnings = [] } = await fanout({ targets: ["A"] });
    const retried = a.requests.length - sent - 1;
    retries.push(retried);
    expect(warnings.some((words) => words.includes("no further retry"))).toBe(retried === 0);
  }
  expect(retries).toEqual([1, 1, 1, 0, 1]);
});
