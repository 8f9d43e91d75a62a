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
