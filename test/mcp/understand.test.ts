import { describe, expect, it } from "vitest";
import * as requests from "../../src/core/requests.ts";
import { validate } from "../../src/core/validate.ts";
import { understoodInput } from "../../src/mcp/plain-schema.ts";
import { understand } from "../../src/mcp/understand.ts";

const { delegateInput, fanoutInput, aggregateInput, sessionsSendInput, sessionsSpawnInput, runsGetInput } =
  requests;

/** What the engine is given for what a client sent. */
function read(schema: Parameters<typeof validate>[0], sent: Record<string, unknown>): unknown {
  return validate(schema, understand(sent, understoodInput(schema)));
}

describe("arguments as naive callers send them", () => {
  it.each([
    ["plain text", "find retries", { message: "find retries" }],
    ["an object as text", '{"query":"retry"}', { query: "retry" }],
    ["an array as text", "[1,2]", [1, 2]],
    ["a number as text, which is text", "42", { message: "42" }],
    ["text that only looks like JSON", "{not json}", { message: "{not json}" }],
    ["empty text", "", { message: "" }],
    ["an object", { message: "hi", count: 3 }, { message: "hi", count: 3 }],
    ["an array", ["a"], ["a"]],
    ["a number", 7, 7],
    ["false", false, false],
    ["null", null, null],
  ])("payload and data take %s", (_, sent, understood) => {
    expect(read(delegateInput, { instances: "A", payload: sent })).toMatchObject({ payload: understood });
    expect(read(sessionsSendInput, { sessionId: "s", data: sent })).toMatchObject({ data: understood });
  });

  it("payloads takes text for the whole and for each payload", () => {
    const payloads = { A: { message: "one" }, B: { q: 2 } };
    expect(read(fanoutInput, { targets: "A,B", payloads: { A: "one", B: '{"q":2}' } })).toMatchObject({
      payloads,
    });
    expect(read(fanoutInput, { targets: "A,B", payloads: '{"A":"one","B":{"q":2}}' })).toMatchObject({
      payloads,
    });
  });

  it.each([
    ["a range", "A-H", "A-H"],
    ["an array", ["A", "B"], ["A", "B"]],
    ["an array as text", '["A","B"]', ["A", "B"]],
  ])("a selector may be %s", (_, sent, understood) => {
    expect(read(delegateInput, { instances: sent })).toMatchObject({ instances: understood });
    expect(read(fanoutInput, { targets: sent })).toMatchObject({ targets: understood });
  });

  it("targets and instances are accepted for each other", () => {
    expect(read(fanoutInput, { instances: ["A"] })).toMatchObject({ targets: ["A"] });
    expect(read(delegateInput, { targets: ["A"] })).toMatchObject({ instances: ["A"] });
    expect(read(requests.healthInput, { targets: "A-H" })).toMatchObject({ instances: "A-H" });
  });

  it("but not both at once: one of them would be lost", () => {
    expect(() => read(fanoutInput, { targets: ["A"], instances: ["B"] })).toThrow(
      /^instances: no such field/,
    );
  });

  it.each([
    [true, true],
    ["true", true],
    ["false", false],
    ["merge", { strategy: "merge" }],
    [{ strategy: "merge" }, { strategy: "merge" }],
    ['{"strategy":"rank-fusion","limit":"5"}', { strategy: "rank-fusion", limit: 5 }],
    [
      { strategy: "rank-fusion", limit: "5" },
      { strategy: "rank-fusion", limit: 5 },
    ],
  ])("aggregate may be %j", (sent, understood) => {
    expect(read(fanoutInput, { targets: "A-H", aggregate: sent })).toMatchObject({ aggregate: understood });
  });

  it("numbers and booleans may be text", () => {
    const sent = { targets: "A-H", retries: "2", minReplies: " 3 ", concurrency: "8" };
    expect(read(fanoutInput, sent)).toMatchObject({ retries: 2, minReplies: 3, concurrency: 8 });
    expect(read(delegateInput, { instances: "A", idempotent: "True" })).toMatchObject({ idempotent: true });
    expect(read(runsGetInput, { runId: "r", offset: "20000" })).toMatchObject({ offset: 20_000 });
  });

  it.each([
    [30, 30_000],
    ["30", 30_000],
    ["30s", 30_000],
    [0.5, 500],
    ["500ms", 500],
  ])("a duration may be %j", (sent, ms) => {
    expect(read(delegateInput, { instances: "A", timeout: sent, wait: sent })).toMatchObject({
      timeout: ms,
      wait: ms,
    });
  });

  it("a name may be a number", () => {
    expect(read(sessionsSpawnInput, { sessionId: 7, instance: 3 })).toMatchObject({
      sessionId: "7",
      instance: "3",
    });
  });

  it("null stands for an argument that was left out", () => {
    const sent = { instances: ["A"], timeout: null, retries: null, idempotent: null, fallback: null };
    expect(read(delegateInput, sent)).toEqual(read(delegateInput, { instances: ["A"] }));
  });

  it("replies to combine may be JSON in text", () => {
    const responses = [{ instance: "A", result: "x" }];
    const sent = { responses: JSON.stringify(responses), strategy: "concat" };
    expect(read(aggregateInput, sent)).toMatchObject({ responses });
  });

  it("an argument that nobody knows is left for the validation to name", () => {
    const sent = JSON.parse('{"instances":"A","__proto__":{"x":1},"constructor":"y"}');
    expect(() => read(delegateInput, sent)).toThrow(/constructor: no such field/);
  });
});
