import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { PlannedCall } from "./calls.ts";
import type { Evidence } from "./evidence.ts";
import { call, error, evidence, execution, nothingTold, outcome, rules } from "./sample-evidence.ts";

const tooLarge = new OrchestratorError("payload_too_large", "no").toBody();
const unauthorized = new OrchestratorError("instance_unauthorized", "no").toBody();
const { result: _, ...replyless } = outcome;
const refused: Outcome = { ...replyless, delivery: "not_sent", reply: "none", error: tooLarge };
const unread: Outcome = { ...replyless, delivery: "accepted", reply: "failed", error: tooLarge };

/** What the checker has against this outcome of a call that exceeds that limit. */
function found(over: PlannedCall["over"], last: Outcome, others: Partial<Omit<Evidence, "runs">> = {}) {
  const planned: PlannedCall = { ...call, ...(over && { over }) };
  return rules(
    evidence({ ...nothingTold, calls: new Map([["call-1", planned]]), outcomes: [last], ...others }),
  );
}

describe("the checker of refusals", () => {
  const nowhere = { executions: [] };

  it("has nothing against a body over the limit that was refused", () => {
    expect(found("body", refused, nowhere)).toEqual([]);
  });

  it("has nothing against a body over the limit that a fault kept from being refused", () => {
    const unknown: Outcome = { ...refused, delivery: "unknown", error };
    expect(found("body", unknown, { ...nowhere, isTroubled: () => true })).toEqual([]);
  });

  it("has nothing against a task that was buried before it came", () => {
    expect(found("body", { ...refused, delivery: "accepted", reply: "cancelled" }, nowhere)).toEqual([]);
  });

  it("has nothing against a reply over the limit that could not be read", () => {
    expect(found("reply", unread)).toEqual([]);
  });

  it("accepts a reply over the limit as the reason why a cancellation told nothing", () => {
    expect(found("reply", { ...unread, reply: "none" })).toEqual([]);
  });

  const untrue: [string, PlannedCall["over"], Outcome, Partial<Omit<Evidence, "runs">>][] = [
    ["a body over the limit that was executed", "body", unread, {}],
    ["a body over the limit that was accepted", "body", { ...unread, reply: "none" }, nowhere],
    ["a body over the limit that was refused for no reason", "body", { ...refused, error }, nowhere],
    ["a body within the limit that was refused for its size", undefined, refused, nowhere],
    ["a reply over the limit that was read", "reply", outcome, {}],
    ["a reply over the limit to what was not done", "reply", unread, nowhere],
    ["a reply within the limit that could not be read", undefined, unread, {}],
    ["an unread reply to what was cut off", "reply", unread, { executions: [{ ...execution, end: "cut" }] }],
  ];
  it.each(untrue)("finds %s", (_, over, last, others) => {
    expect(found(over, last, others)).toEqual(["untrue"]);
  });

  const locked: Outcome = { ...refused, error: unauthorized };
  const changed = (instance: string, at: number) => ({ ...nowhere, keyChanges: [{ instance, at }] });

  it("finds a key that was refused though the right one was in its file", () => {
    expect(found(undefined, locked, changed("A", 500))).toEqual(["untrue"]);
  });

  it.each([
    ["while its key changed again", changed("A", 1_500)],
    ["by an instance whose key never changes", changed("B", 500)],
  ])("accepts a refusal %s", (_, others) => {
    expect(found(undefined, locked, others)).toEqual([]);
  });
});
