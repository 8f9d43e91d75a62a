import { describe, expect, it } from "vitest";
import { DELIVERIES } from "../../src/core/delivery.ts";
import { ERROR_TABLE, type ErrorCode, isErrorCode, OrchestratorError } from "../../src/core/errors.ts";

/** WIRE.md's table. */
const STATUS: Record<ErrorCode, number> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  unknown_instance: 404,
  session_not_found: 404,
  run_not_found: 404,
  session_exists: 409,
  session_busy: 409,
  conflict: 409,
  payload_too_large: 413,
  cancelled: 499,
  rate_limited: 429,
  instance_error: 502,
  instance_unauthorized: 502,
  interrupted: 502,
  aggregate_failed: 502,
  quorum_not_met: 502,
  instance_down: 503,
  draining: 503,
  overloaded: 503,
  store_unavailable: 503,
  timeout: 504,
  loop_detected: 508,
  internal: 500,
};
const CODES = Object.keys(STATUS) as ErrorCode[];
const BLINDLY_RETRIED = CODES.filter((code) => STATUS[code] === 429 || STATUS[code] === 503);

describe("the error table", () => {
  it("has the codes of the contract, and no other", () => {
    expect(Object.keys(ERROR_TABLE).sort()).toEqual([...CODES].sort());
  });

  it.each(CODES)("answers %s with the contract's status when nothing was delivered", (code) => {
    expect(new OrchestratorError(code, "It failed.").status).toBe(STATUS[code]);
    expect(new OrchestratorError(code, "It failed.", { delivery: "not_sent" }).status).toBe(STATUS[code]);
  });

  it.each(CODES)("has one sentence or two for %s on what to do next", (code) => {
    expect(new OrchestratorError(code, "It failed.").action).toMatch(/^[A-Z].{10,}\.$/);
  });

  it("knows its own codes and nothing that every object has", () => {
    expect(CODES.every(isErrorCode)).toBe(true);
    for (const other of [
      "constructor",
      "toString",
      "__proto__",
      "",
      "Timeout",
      undefined,
      503,
      ["timeout"],
    ]) {
      expect(isErrorCode(other)).toBe(false);
    }
  });
});

describe("an error whose work may have been delivered", () => {
  it.each(BLINDLY_RETRIED)("is 502 for %s, since people retry 429 and 503 blindly", (code) => {
    expect(new OrchestratorError(code, "It failed.", { delivery: "unknown" }).status).toBe(502);
    expect(new OrchestratorError(code, "It failed.", { delivery: "accepted" }).status).toBe(502);
  });

  it.each(CODES)("is never retryable (%s), and keeps any other status", (code) => {
    for (const delivery of ["unknown", "accepted"] as const) {
      const error = new OrchestratorError(code, "It failed.", { delivery });
      expect(error.retryable).toBe(false);
      expect(error.toBody().retryable).toBe(false);
      if (!BLINDLY_RETRIED.includes(code)) expect(error.status).toBe(STATUS[code]);
    }
  });
});

describe("an error whose work was not sent", () => {
  it("is retryable where the same call may succeed later", () => {
    const retryable = CODES.filter(
      (code) => new OrchestratorError(code, "", { delivery: "not_sent" }).retryable,
    );
    expect(retryable.sort()).toEqual([...BLINDLY_RETRIED, "session_busy", "timeout"].sort());
  });

  it("says not_sent in every answer of 429 or 503, also where the place that raised it did not", () => {
    for (const code of BLINDLY_RETRIED) {
      const body = new OrchestratorError(code, "It failed.").toBody();
      expect(body).toMatchObject({ delivery: "not_sent", retryable: true });
    }
    expect(new OrchestratorError("conflict", "It failed.").toBody()).not.toHaveProperty("delivery");
  });

  it("is not a timeout that does not say so: it proves nothing", () => {
    expect(new OrchestratorError("timeout", "Too late.").retryable).toBe(false);
    expect(new OrchestratorError("timeout", "Too late.", { delivery: "not_sent" }).retryable).toBe(true);
  });
});

describe("an error's body", () => {
  it("leaves out what is not known", () => {
    expect(new OrchestratorError("bad_request", "No.").toJSON()).toEqual({
      error: {
        code: "bad_request",
        message: "No.",
        action: ERROR_TABLE.bad_request.action,
        retryable: false,
      },
    });
  });

  it.each(CODES)("carries %s there and back through JSON, with every fact", (code) => {
    for (const delivery of [undefined, ...DELIVERIES]) {
      const facts = { action: "Do this.", instance: "A", runId: "r1", delivery, details: { known: ["A"] } };
      const error = new OrchestratorError(code, "It failed.", facts);
      const back = OrchestratorError.fromBody(JSON.parse(JSON.stringify(error)).error);
      expect(back.toBody()).toEqual(error.toBody());
      expect(back.status).toBe(error.status);
      expect(back).toMatchObject({
        code,
        message: "It failed.",
        action: "Do this.",
        instance: "A",
        runId: "r1",
      });
    }
  });

  it("never shows the cause, which may hold what is secret", () => {
    const error = new OrchestratorError("internal", "It failed.", { cause: new Error("secret") });
    expect(JSON.stringify(error)).not.toContain("secret");
  });
});

describe("an error with more facts", () => {
  it("takes the new ones, keeps the others, and leaves the first error as it was", () => {
    const cause = new Error("refused");
    const error = new OrchestratorError("instance_down", "A is down.", {
      instance: "A",
      delivery: "not_sent",
      cause,
    });
    const more = error.with({ runId: "r1", delivery: "unknown" });
    expect(more).toMatchObject({
      message: "A is down.",
      instance: "A",
      runId: "r1",
      delivery: "unknown",
      cause,
    });
    expect([error.status, more.status]).toEqual([503, 502]);
    expect(error.runId).toBeUndefined();
    const other = new Error("reset");
    expect(error.with({ cause: other }).cause).toBe(other);
  });
});

describe("anything thrown", () => {
  it("is one of ours as it is, and internal with its cause otherwise", () => {
    const ours = new OrchestratorError("conflict", "Changed.");
    expect(OrchestratorError.from(ours)).toBe(ours);
    const theirs = new TypeError("x is undefined");
    expect(OrchestratorError.from(theirs)).toMatchObject({
      code: "internal",
      message: "x is undefined",
      cause: theirs,
    });
    expect(OrchestratorError.from("text").message).toBe("text");
    expect(OrchestratorError.from(undefined).code).toBe("internal");
  });
});
