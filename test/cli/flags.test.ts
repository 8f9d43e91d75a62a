import { describe, expect, it } from "vitest";
import { flagOf, inFlags } from "../../src/cli/flags.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import * as requests from "../../src/core/requests.ts";
import { validate } from "../../src/core/validate.ts";

describe("fields and flags", () => {
  const schemas = Object.entries(requests).filter(([name]) => name.endsWith("Input"));

  it("every field of a call has a flag", () => {
    // What a command always says itself, what stands in the file of a plan, and what only models and MCP servers say.
    const ofPlans = ["$schema", "description", "output", "budget", "steps"];
    const own = new Set([...ofPlans, "withToken", "confirmed", "answer"]);
    const fields = schemas.flatMap(([, schema]) => Object.keys(schema.shape));
    expect(fields.length).toBeGreaterThan(30);
    expect(fields.filter((field) => flagOf(field) === undefined && !own.has(field))).toEqual([]);
  });

  it.each([
    ["retries", "--retry"],
    ["sessionId", "--id"],
    ["minReplies", "--min-replies"],
    ["queue", "--no-queue"],
    ["timeout", "--timeout"],
    ["nonsense", undefined],
  ])("%s is %s", (field, flag) => expect(flagOf(field)).toBe(flag));
});

describe("an error in the words of the command line", () => {
  const bad = (message: string, action?: string) =>
    inFlags(new OrchestratorError("bad_request", message, { action }));

  it("names the flags of what the engine's schema refuses", () => {
    const thrown = (() => {
      try {
        validate(requests.fanoutInput, { timeout: "soon", minReplies: 0, payloads: { "no name": 1 } });
      } catch (error) {
        return inFlags(error as OrchestratorError);
      }
    })();
    expect(thrown?.message).toMatch(/^--payloads\.no name: .*; --timeout: "soon" .*; --min-replies: /);
    expect(thrown?.details).toEqual({ field: "payloads.no name" });
  });

  it("says how to name instances on a command line", () => {
    const { message, action } = bad(
      "targets: name at least one instance.",
      'Give targets, such as ["A"], ["A-H"] or ["*"], or set "instances" in the configuration.',
    );
    expect(message).toBe("--targets: name at least one instance.");
    expect(action).toBe(
      "Give --targets A, --targets A-H or --targets '*', or set \"instances\" in the configuration.",
    );
  });

  it("names the flag of what a strategy is told", () => {
    expect(bad("aggregate.limit: merge takes no limit").message).toBe("--limit: merge takes no limit");
  });

  it("leaves words alone that only look like fields", () => {
    expect(bad("The range is wrong: timeout: no").message).toBe("The range is wrong: timeout: no");
    expect(bad("timeouts: no such field").message).toBe("timeouts: no such field");
  });

  it("leaves the fields of a file as they stand there", () => {
    const error = new OrchestratorError("bad_request", "wait: expected a duration; timeout: wrong", {
      details: { file: "config.json", field: "wait" },
    });
    expect(inFlags(error)).toBe(error);
  });

  it("keeps what else is known", () => {
    const error = new OrchestratorError("conflict", "idempotencyKey: k stands for other work.", {
      runId: "run-1",
      delivery: "not_sent",
    });
    expect(inFlags(error)).toMatchObject({
      code: "conflict",
      message: "--idempotency-key: k stands for other work.",
      runId: "run-1",
      delivery: "not_sent",
    });
  });
});
