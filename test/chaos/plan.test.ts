import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planCampaign } from "./plan-campaign.ts";
import { bundleScripts, type Scripts } from "./scripts.ts";

let scripts: Scripts;
beforeAll(async () => {
  scripts = await bundleScripts();
});
afterAll(() => scripts.remove());

describe("a plan of 200 steps whose orchestrators are killed", () => {
  it("does no step twice, loses none, and ends", async () => {
    const { violations, kills, states, executions } = await planCampaign({ seed: 7, scripts, steps: 200 });
    expect(violations).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(states.done).toBeGreaterThan(150);
    expect(executions.length).toBeGreaterThan(250);
  });

  it("would be found out if it forgot what it had begun", async () => {
    const { violations } = await planCampaign({ seed: 7, scripts, steps: 60, sabotage: "forget the keys" });
    expect(violations.map(({ rule }) => rule)).toContain("twice");
  });
});
