import { describe, expect, it } from "vitest";
import * as z from "zod";
import { OrchestratorError } from "../../src/core/errors.ts";
import { validate } from "../../src/core/validate.ts";

const schema = z.strictObject({
  query: z.string(),
  retries: z.number().default(3),
  fleet: z.record(z.string(), z.strictObject({ apiKeyEnv: z.string().optional() })).optional(),
  parts: z.array(z.strictObject({ text: z.string() })).optional(),
  mode: z.enum(["fast", "slow"]).optional(),
});

function refusal(value: unknown, what?: string, of: z.ZodType = schema): OrchestratorError {
  try {
    validate(of, value, what);
  } catch (error) {
    if (error instanceof OrchestratorError) return error;
  }
  return expect.fail("it is valid");
}

it("returns what the schema makes of the value", () => {
  expect(validate(schema, { query: "x" })).toEqual({ query: "x", retries: 3 });
});

describe("a wrong value", () => {
  it.each([
    [{}, "payload.query: expected string"],
    [{ query: 7 }, "payload.query: expected string, received number"],
    [undefined, "payload: expected object"],
    [
      { query: "x", parts: [{ text: "a" }, { text: 1 }] },
      "payload.parts[1].text: expected string, received number",
    ],
    [{ query: "x", mode: "fats" }, 'payload.mode: expected one of "fast"|"slow"'],
  ])("of %j is named by its path", (value, message) => {
    expect(refusal(value, "payload")).toMatchObject({ code: "bad_request", delivery: "not_sent", message });
  });

  it("is named without a prefix where none is given, and under details too", () => {
    const error = refusal({ query: 7 });
    expect(error.message).toBe("query: expected string, received number");
    expect(error.details).toEqual({ field: "query" });
  });

  it("is empty where text, or an element, is expected", () => {
    expect(refusal("", "key", z.string().min(1)).message).toBe("key: expected text, and it is empty");
    expect(refusal([], "names", z.array(z.string()).min(1)).message).toBe(
      "names: expected at least one, and it is empty",
    );
  });

  it("is one of several that are all named", () => {
    expect(refusal({ retries: "3" }).message).toBe(
      "query: expected string; retries: expected number, received string",
    );
  });

  it("in a union is told by the branch that came furthest", () => {
    const union = z.union([
      z.strictObject({ a: z.strictObject({ n: z.number() }) }),
      z.strictObject({ b: z.string() }),
    ]);
    expect(refusal({ a: { n: "x" } }, "", union).message).toBe("a.n: expected number, received string");
  });

  it("in a union keeps the union's own words where it has some", () => {
    const union = z.object({
      aggregate: z.union([z.boolean(), z.string()], { error: "expected true or a strategy" }),
    });
    expect(refusal({ aggregate: 7 }, "", union).message).toBe("aggregate: expected true or a strategy");
  });
});

describe("an unknown field", () => {
  it.each([
    [{ query: "x", retrys: 1 }, "retrys: no such field; did you mean retries?"],
    [{ query: "x", zzz: 1 }, "zzz: no such field; known: query, retries, fleet, parts, mode"],
    [
      { query: "x", fleet: { A: { apikeyEnv: "E" } } },
      "fleet.A.apikeyEnv: no such field; did you mean apiKeyEnv?",
    ],
    [{ query: "x", parts: [{ text: "a", texts: "b" }] }, "parts[0].texts: no such field; did you mean text?"],
  ])("in %j is named with the nearest one that there is", (value, message) => {
    expect(refusal(value).message).toBe(message);
  });

  it("is found beneath what wraps an object", () => {
    const wrapped = z.preprocess(
      (value) => value,
      z.strictObject({ name: z.string() }).default({ name: "A" }).nullable(),
    );
    expect(refusal({ name: "A", names: "B" }, "", wrapped).message).toContain("did you mean name?");
  });
});
