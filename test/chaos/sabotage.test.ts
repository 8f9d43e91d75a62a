import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { campaign } from "./campaign.ts";
import type { Sabotage } from "./sabotage.ts";
import { bundleScripts, type Scripts } from "./scripts.ts";
import type { Violation } from "./violation.ts";

// A chaos test that cannot fail shows nothing: each of these engines breaks a promise, and is found out.

const CALLS = 250;

let scripts: Scripts;
beforeAll(async () => {
  scripts = await bundleScripts();
});
afterAll(() => scripts.remove());

/** Which rules a short campaign finds broken. */
async function broken(sabotage?: Sabotage): Promise<Violation[]> {
  const { violations } = await campaign({
    seed: 1,
    scripts,
    rate: 0.4,
    goOn: ({ calls }) => calls < CALLS,
    ...(sabotage && { sabotage }),
  });
  return violations;
}

const expected: [Sabotage, Violation["rule"]][] = [
  ["skip the journal", "lost"],
  ["another key on retry", "twice"],
  ["fall back after unknown", "twice"],
];

describe("the chaos test", () => {
  it("finds nothing in the engine as it is", async () => {
    expect(await broken()).toEqual([]);
  });

  it.each(expected)("finds an engine out that was made to %s", async (sabotage, rule) => {
    expect((await broken(sabotage)).map((violation) => violation.rule)).toContain(rule);
  });
});
