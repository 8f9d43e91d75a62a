import { describe, expect, it, vi } from "vitest";
import { type Fate, fatesOf, mayGoOn, sayFates } from "../../src/cli/fates.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Orchestrator } from "../../src/core/orchestrator.ts";

function said(fates: readonly Fate[] | undefined): string[] {
  const lines: string[] = [];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  sayFates(fates);
  spy.mockRestore();
  return lines.map((line) => line.trimEnd());
}

const error = new OrchestratorError("cancelled", "A could not be stopped.", { action: "Check it." }).toBody();

describe("what became of cancelled work", () => {
  it.each<[string, Fate]>([
    ["A: cancelled", { instance: "A", delivery: "accepted", reply: "cancelled" }],
    ["A: completed anyway", { instance: "A", delivery: "accepted", reply: "done" }],
    ["A: nothing was sent, or it never began", { instance: "A", delivery: "not_sent", reply: "none" }],
    ["A: still working (delivery accepted)", { instance: "A", delivery: "accepted", reply: "pending" }],
    [
      "A: unknown (delivery unknown): A could not be stopped. → Check it.",
      { instance: "A", delivery: "unknown", reply: "none", error },
    ],
    ["A: failed before it could be cancelled", { instance: "A", delivery: "accepted", reply: "failed" }],
  ])("is told as %s", (line, fate) => expect(said([fate])).toEqual([line]));

  it("is told once an instance, as its last attempt left it", () => {
    const first: Fate = { instance: "A", delivery: "not_sent", reply: "none" };
    expect(said([first, { ...first, delivery: "accepted", reply: "cancelled" }])).toEqual(["A: cancelled"]);
  });

  it("is not made up", () => {
    expect(said([])).toEqual(["Nothing was sent to any instance."]);
    expect(said(undefined)[0]).toContain("not known here");
  });

  it("may go on where nobody knows that it has stopped", () => {
    expect(mayGoOn({ instance: "A", delivery: "unknown", reply: "none" })).toBe(true);
    expect(mayGoOn({ instance: "A", delivery: "not_sent", reply: "none" })).toBe(false);
    expect(mayGoOn({ instance: "A", delivery: "accepted", reply: "cancelled" })).toBe(false);
  });
});

describe("the fates in a run whose call has failed", () => {
  const outcomes: Fate[] = [{ instance: "A", delivery: "accepted", reply: "cancelled" }];
  const attempts: Fate[] = [{ instance: "A", delivery: "unknown", reply: "none" }];
  const reading = (runsGet: Orchestrator["runsGet"]) => ({ runsGet }) as Orchestrator;
  const readable = reading(async () => ({ outcomes }) as never);
  const gone = reading(() => Promise.reject(new Error("gone")));

  it("are the run's, else those that the error tells", async () => {
    const failed = new OrchestratorError("cancelled", "No.", { runId: "run-1", details: { attempts } });
    expect(await fatesOf(readable, failed)).toBe(outcomes);
    expect(await fatesOf(gone, failed)).toBe(attempts);
  });

  it("are nobody's where nothing was sent, and unknown where nobody says so", async () => {
    const of = (delivery?: "not_sent" | "unknown") => new OrchestratorError("cancelled", "No.", { delivery });
    expect(await fatesOf(readable, of("not_sent"))).toEqual([]);
    expect(await fatesOf(readable, of())).toBeUndefined();
    expect(await fatesOf(gone, of("unknown").with({ runId: "run-1" }))).toBeUndefined();
  });
});
