import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEALTH_STATES, type HealthState } from "../../src/core/health.ts";
import type { Instance } from "../../src/core/instance.ts";
import { orderByHealth } from "../../src/policy/candidates.ts";
import { isSick, unobserved } from "../../src/policy/health.ts";
import { instanceAt } from "../instances/harness.ts";

const NOW = 100_000;
type Seen = { state: HealthState; ago?: number; blocked?: string };

function fleetOf(seen: Record<string, Seen>) {
  const fleet = Object.keys(seen).map((name) => instanceAt("http://a.test", { name }));
  const healthOf = ({ name }: Instance) => {
    const { state, ago = 60_000 } = seen[name] as Seen;
    return { ...unobserved(0), state, reason: "so", observedAt: NOW - ago };
  };
  const blocks = ({ name }: Instance) => seen[name]?.blocked;
  return { fleet, healthOf, blocks };
}

function order(seen: Record<string, Seen>, picked = Object.keys(seen)) {
  const { fleet, healthOf, blocks } = fleetOf(seen);
  const chosen = picked.map((name) => fleet.find((each) => each.name === name) as Instance);
  const candidates = orderByHealth(chosen, fleet, { of: healthOf, blocks }, NOW);
  return {
    ...candidates,
    order: candidates.order.map(({ name }) => name).join(""),
    excluded: candidates.excluded.map(({ instance }) => instance).join(""),
  };
}

const well: Seen = { state: "healthy" };
const long: Seen = { state: "down" };
const lately: Seen = { state: "down", ago: 1_000 };

describe("the order of the candidates", () => {
  it("is as listed, but with the sick last", () => {
    expect(order({ A: long, B: well, C: { state: "draining" }, D: { state: "degraded" } }).order).toBe(
      "BDAC",
    );
  });

  it("leaves out who was found sick within the last 5 s", () => {
    expect(order({ A: lately, B: well })).toMatchObject({ order: "B", excluded: "A" });
    expect(order({ A: { state: "down", ago: 5_000 }, B: well }).excluded).toBe("A");
    expect(order({ A: { state: "down", ago: 5_001 }, B: well }).excluded).toBe("");
  });

  it("is empty when every one refused lately, however much of the fleet is down", () => {
    expect(order({ A: lately, B: lately, C: lately })).toMatchObject({ order: "", doubtful: false });
  });

  it("doubts its own view when more than half of a fleet of three or more looks down", () => {
    expect(order({ A: lately, B: long, C: long, D: well }, ["A", "B"])).toMatchObject({
      order: "AB",
      excluded: "",
      doubtful: true,
    });
    expect(order({ A: long, B: long, C: well, D: well }, ["A", "B"]).doubtful).toBe(false);
    expect(order({ A: long, B: long }).doubtful).toBe(false);
    expect(order({ A: long, B: long, C: well }).doubtful).toBe(false);
  });

  it("leaves out who is held off by its breaker, however well it looks, and says why", () => {
    const blocked = "held off by its breaker until noon: reset";
    const { fleet, healthOf, blocks } = fleetOf({
      A: { state: "healthy", blocked },
      B: well,
      C: { state: "down", blocked },
    });
    const candidates = orderByHealth(fleet, fleet, { of: healthOf, blocks }, NOW);
    expect(candidates.order.map(({ name }) => name)).toEqual(["B"]);
    expect(candidates.excluded).toEqual([
      { instance: "A", reason: blocked },
      { instance: "C", reason: "down: so (held off by its breaker until noon)" },
    ]);
  });

  it("counts who is held off as looking down, and tries each once when that is most of the fleet", () => {
    const held: Seen = { state: "degraded", blocked: "held off" };
    expect(order({ A: held, B: held, C: well }, ["A", "B"])).toMatchObject({ order: "AB", doubtful: true });
    expect(order({ A: held, B: well, C: well }, ["A"])).toMatchObject({ order: "", excluded: "A" });
    const just: Seen = { ...held, ago: 1_000 };
    expect(order({ A: just, B: just, C: well }, ["A", "B"])).toMatchObject({ order: "", excluded: "AB" });
  });

  it("accounts for every candidate once, whatever is believed of them", () => {
    const seen = fc.record({
      state: fc.constantFrom(...HEALTH_STATES),
      ago: fc.constantFrom(0, 4_000, 9_000),
    });
    fc.assert(
      fc.property(fc.array(seen, { minLength: 1, maxLength: 6 }), (all) => {
        const names = Object.fromEntries(all.map((each, index) => [String.fromCharCode(65 + index), each]));
        const { order: asked, excluded } = order(names);
        expect([...asked, ...excluded].sort()).toEqual(Object.keys(names));
        const sick = [...asked].map((name) => isSick({ ...unobserved(0), ...names[name] }));
        expect(sick).toEqual(sick.toSorted());
      }),
    );
  });
});
