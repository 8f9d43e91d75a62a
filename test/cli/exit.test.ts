import { describe, expect, it } from "vitest";
import { exitCodeOf, exitCodeOfAll } from "../../src/cli/exit.ts";
import type { OutcomeView } from "../../src/core/answers.ts";
import { type ErrorCode, OrchestratorError } from "../../src/core/errors.ts";

const done: OutcomeView = { instance: "A", delivery: "accepted", reply: "done", result: 1 };
const pending: OutcomeView = { instance: "A", delivery: "accepted", reply: "pending" };
const failed = (code: ErrorCode): OutcomeView => ({
  instance: "A",
  delivery: "not_sent",
  reply: "none",
  error: new OrchestratorError(code, "no").toBody(),
});

describe("the exit code", () => {
  it.each<[ErrorCode, number]>([
    ["bad_request", 2],
    ["unknown_instance", 2],
    ["unauthorized", 4],
    ["instance_unauthorized", 4],
    ["timeout", 5],
    ["cancelled", 130],
    ["instance_down", 1],
  ])("of %s is %i", (code, exit) => expect(exitCodeOf({ code })).toBe(exit));

  it.each<[string, OutcomeView[], number]>([
    ["all are done", [done, done], 0],
    ["some are done", [done, failed("instance_down")], 3],
    ["one is pending", [done, failed("timeout"), pending], 6],
    ["none is done", [failed("instance_error"), failed("instance_down")], 1],
    ["all have run out of time", [failed("timeout"), failed("timeout")], 5],
    ["all refused our keys", [failed("instance_unauthorized")], 4],
    ["each failed in its own way", [failed("timeout"), failed("instance_unauthorized")], 1],
    ["one failed without a word", [{ ...pending, reply: "failed" }], 1],
  ])("when %s", (_, outcomes, exit) => expect(exitCodeOfAll(outcomes)).toBe(exit));
});
