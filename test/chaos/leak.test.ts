import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleScripts, type Scripts } from "./scripts.ts";

/** A byte for each tenth of a call: far less than one retained object would take. */
const HEAP_MARGIN = 2_000_000;

interface Measured {
  heap: number;
  resources: number;
  timers: number;
  descriptors: number;
}

let scripts: Scripts;
beforeAll(async () => {
  scripts = await bundleScripts();
});
afterAll(() => scripts.remove());

async function leftBy(calls: number, plant?: "answers" | "listeners") {
  const facts = { instance: scripts.echo, calls, ...(plant && { plant }) };
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--expose-gc",
    scripts.leak,
    JSON.stringify(facts),
  ]);
  const { before, after } = JSON.parse(stdout) as Record<"before" | "after", Measured>;
  return { heap: after.heap - before.heap, before, after };
}

describe("20,000 delegates", () => {
  it("leave no memory, timer, socket or file behind", async () => {
    const { heap, before, after } = await leftBy(20_000);
    expect(heap).toBeLessThan(HEAP_MARGIN);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    expect(after.resources).toBeLessThanOrEqual(before.resources);
    expect(after.timers).toBeLessThanOrEqual(before.timers + 1);
  });

  it.each(["answers", "listeners"] as const)("would be found out if they kept %s", async (plant) => {
    expect((await leftBy(5_000, plant)).heap).toBeGreaterThan(HEAP_MARGIN);
  });
});
