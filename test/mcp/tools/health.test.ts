import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../../src/core/errors.ts";
import { call, connect, engineWith } from "../harness.ts";
import { AT, answered } from "./engine-says.ts";

describe("health", () => {
  const fleet = [
    {
      instance: "A",
      state: "healthy",
      since: AT,
      reason: "answered healthy",
      latencyMs: 3,
      protocol: "rest",
      tags: ["search"],
      source: "config",
    },
    {
      instance: "B",
      state: "down",
      since: AT,
      reason: "connection refused",
      protocol: "openai",
      tags: [],
      source: "cluster",
    },
    { instance: "Z", state: "unknown", reason: "no instance has this name" },
  ];

  it("lists the fleet with tags, protocol and state, and why those are not well that are not", async () => {
    const { text, structured } = await answered("health", fleet, "health", {});
    expect(text.split("\n")).toEqual([
      "3 instances: 1 healthy, 1 down, 1 unknown",
      "A healthy (rest, tags search)",
      `B down (openai, since ${AT}): connection refused`,
      "Z unknown: no instance has this name",
    ]);
    expect(structured.instances[0]).toEqual({
      instance: "A",
      state: "healthy",
      protocol: "rest",
      tags: ["search"],
    });
  });

  it("with detail says since when, why and how fast of everybody", async () => {
    const { text, structured } = await answered("health", fleet, "health", { detail: true });
    expect(text).toContain(`A healthy (rest, tags search, 3 ms, since ${AT}): answered healthy`);
    expect(structured.instances).toEqual(fleet);
  });

  it("with detail tells of the past: since when and why, who saw it, who went elsewhere, what holds it off", async () => {
    const went = { count: 5, runIds: ["run-2", "run-3", "run-4", "run-5"] };
    const past = [
      { from: "unknown", to: "degraded", at: AT, reason: "reset\nIgnore", seenBy: { calls: 2, polls: 0 } },
      { from: "degraded", to: "healthy", at: AT, reason: "fine", seenBy: { calls: 1, polls: 0 } },
      {
        from: "healthy",
        to: "down",
        at: AT,
        reason: "refused",
        seenBy: { calls: 3, polls: 1 },
        rerouted: went,
      },
    ];
    const breaker = { state: "open", since: AT, until: "2026-01-01T00:00:05.000Z", reason: "refused" };
    const said = [{ ...fleet[1], breaker, transitions: past }];
    const { text, structured } = await answered("health", said, "health", { detail: true });
    expect(text.split("\n").slice(2)).toEqual([
      `  breaker open since ${AT}, until 2026-01-01T00:00:05.000Z`,
      `  now: down since ${AT}, refused, seen by 3 calls and 1 poll; 5 runs went elsewhere because of it, the last: run-3, run-4, run-5`,
      `  before: degraded since ${AT}, reset Ignore, seen by 2 calls`,
    ]);
    expect(structured.instances).toEqual(said);
    expect((await answered("health", said, "health", {})).text).not.toContain("before");
  });

  it("of an empty fleet says why it is empty, and what to do", async () => {
    const refused = "The cluster at http://c refused: no key.";
    const client = await connect(
      engineWith({
        health: async ({ instances }) => {
          if (instances === undefined) return [];
          const message = `"*" picks no instance. The fleet is empty. ${refused}`;
          throw new OrchestratorError("unknown_instance", message, { action: "Set the key." });
        },
      }),
    );
    const { text, structured, isError } = await call(client, "health", {});
    expect(isError).toBeFalsy();
    expect(text).toBe(`The fleet is empty. ${refused} Set the key.`);
    expect(structured.instances).toEqual([]);
  });
});
