import { describe, expect, it, vi } from "vitest";
import { type HealthWatch, watchHealth } from "../../src/cli/health-watch.ts";
import type { InstanceHealth } from "../../src/core/answers.ts";
import { OrchestratorError } from "../../src/core/errors.ts";

type Look = () => Promise<InstanceHealth[]>;

const found = (state: InstanceHealth["state"]): InstanceHealth[] => [{ instance: "A", state, reason: state }];

/** Watches until so many rounds are printed, or it ends by itself; the rounds. */
async function rounds(look: Look, most: number, output?: "table") {
  let text = "";
  let watch: HealthWatch | undefined;
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    if (text.split("\n").length > most) void watch?.stop(0);
    return true;
  });
  try {
    watch = watchHealth(look, { intervalMs: 5, output, detail: false });
    await watch.ended;
  } finally {
    spy.mockRestore();
    await watch?.stop(0);
  }
  return { text, watch, lines: text.split("\n").filter(Boolean) };
}

describe("watching in a pipe", () => {
  it("prints a line a round, the first one at once, and says what has changed", async () => {
    const states: InstanceHealth["state"][] = ["healthy", "healthy", "down"];
    const { lines } = await rounds(async () => found(states.shift() ?? "down"), 4);
    const read = lines.slice(0, 4).map((line) => JSON.parse(line));
    expect(read.map(({ health }) => health.A)).toEqual(["healthy", "healthy", "down", "down"]);
    expect(read.map(({ changed }) => changed)).toEqual([
      [],
      [],
      [{ instance: "A", from: "healthy", to: "down", reason: "down" }],
      [],
    ]);
    expect(Date.parse(read[0].at)).toBeGreaterThan(0);
  });

  it("survives rounds that fail, and compares with the last one that did not", async () => {
    let round = 0;
    const { lines } = await rounds(async () => {
      round += 1;
      if (round === 2) throw new OrchestratorError("instance_down", "The cluster is gone.");
      return found(round === 1 ? "healthy" : "down");
    }, 3);
    const read = lines.slice(0, 3).map((line) => JSON.parse(line));
    expect(read[1]).toMatchObject({ error: { code: "instance_down", message: "The cluster is gone." } });
    expect(read[2].changed).toMatchObject([{ from: "healthy", to: "down" }]);
  });

  it("goes on also when the first round fails, but not for words that are wrong", async () => {
    const unknown = () => Promise.reject(new OrchestratorError("unknown_instance", "The fleet is empty."));
    expect((await rounds(unknown, 2)).lines.length).toBeGreaterThanOrEqual(2);
    const wrong = () => Promise.reject(new OrchestratorError("bad_request", "instances: reversed"));
    const { lines, watch } = await rounds(wrong, 2);
    expect(lines).toEqual([]);
    expect(watch?.error?.message).toBe("--instances: reversed");
  });

  it("ends when its reader has gone", async () => {
    const { lines } = await rounds(async () => {
      process.stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      return found("healthy");
    }, 100);
    expect(lines).toEqual([]);
  });
});

describe("watching as a table", () => {
  it("shows each round with its time, what has changed, and what failed", async () => {
    let round = 0;
    const { text } = await rounds(
      async () => {
        round += 1;
        if (round === 3) throw new OrchestratorError("instance_down", "The cluster is gone.");
        return found(round === 1 ? "healthy" : "down");
      },
      12,
      "table",
    );
    expect(text).toMatch(/^\d\d:\d\d:\d\d\nINSTANCE {2}STATE/);
    expect(text).toMatch(/\d\d:\d\d:\d\d {2}A: healthy → down: down/);
    expect(text).toContain("the check failed: instance_down: The cluster is gone.");
  });
});
