import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { STANDALONE_STRATEGIES } from "../../src/core/aggregation/options.ts";
import { AGGREGATION_STRATEGIES } from "../../src/core/aggregation/strategy.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import * as requests from "../../src/core/requests.ts";
import { validate } from "../../src/core/validate.ts";

const { aggregateInput, delegateInput, fanoutInput, healthInput, runsGetInput } = requests;
const { sessionsHistoryInput, sessionsListInput, sessionsSendInput, sessionsSpawnInput } = requests;

/** One valid call of each operation. */
const CALLS: [string, z.ZodType, object][] = [
  ["delegate", delegateInput, { instances: ["A"] }],
  ["fanout", fanoutInput, { targets: ["A-H"] }],
  ["aggregate", aggregateInput, { runId: "r1", strategy: "merge" }],
  ["sessions_spawn", sessionsSpawnInput, { sessionId: "session1" }],
  ["sessions_send", sessionsSendInput, { sessionId: "session1" }],
  ["sessions_list", sessionsListInput, {}],
  ["sessions_history", sessionsHistoryInput, { sessionId: "session1" }],
  ["sessions_close", requests.sessionsCloseInput, { sessionId: "session1" }],
  ["health", healthInput, {}],
  ["runs_get", runsGetInput, { runId: "r1" }],
  ["runs_list", requests.runsListInput, {}],
  ["runs_cancel", requests.runsCancelInput, { runId: "r1" }],
];

/** The refusal of an input: a bad_request that names the field. */
function refusal(schema: z.ZodType, input: unknown): { field: unknown; message: string } {
  try {
    validate(schema, input);
  } catch (error) {
    expect(error).toBeInstanceOf(OrchestratorError);
    const { code, details, message } = error as OrchestratorError;
    expect(code).toBe("bad_request");
    return { field: details?.field, message };
  }
  throw new Error(`${JSON.stringify(input)} was accepted`);
}

describe("every operation", () => {
  it.each(CALLS)("%s refuses a field that it does not have, by its name", (_name, schema, call) => {
    expect(schema.safeParse(call).success).toBe(true);
    expect(refusal(schema, { ...call, nonsense: 1 })).toEqual({
      field: "nonsense",
      message: expect.stringContaining("nonsense: no such field"),
    });
  });

  it.each(CALLS)("%s refuses what is no object", (_name, schema) => {
    for (const input of [null, [], "A", 1, undefined])
      expect(refusal(schema, input).message).toContain("object");
  });
});

describe("who is asked", () => {
  it("is text or an array of texts", () => {
    expect(delegateInput.parse({ instances: "A-H" }).instances).toBe("A-H");
    expect(fanoutInput.parse({ targets: ["A", "C,D"] }).targets).toEqual(["A", "C,D"]);
    expect(healthInput.parse({ instances: "tag:search" }).instances).toBe("tag:search");
  });

  it("may be left to the configured default targets", () => {
    expect(delegateInput.parse({}).instances).toBeUndefined();
    expect(fanoutInput.parse({}).targets).toBeUndefined();
  });

  it.each(["", [], [""], 1, null, { A: 1 }, ["A", 1]])("is refused as %j, naming the field", (targets) => {
    expect(refusal(fanoutInput, { targets }).field).toMatch(/^targets(\[\d\])?$/);
    expect(refusal(delegateInput, { instances: targets }).field).toMatch(/^instances(\[\d\])?$/);
  });
});

describe("the payload", () => {
  it.each([null, 0, false, "", "text", [1, [2]], { deep: { er: [null] } }])("may be any JSON: %j", (json) => {
    expect(delegateInput.parse({ instances: "A", payload: json }).payload).toEqual(json);
    expect(sessionsSendInput.parse({ sessionId: "s", data: json }).data).toEqual(json);
  });

  it("is null when it is left out", () => {
    expect(delegateInput.parse({ instances: "A" }).payload).toBeNull();
    expect(fanoutInput.parse({ targets: "A" }).payload).toBeNull();
    expect(sessionsSendInput.parse({ sessionId: "s" }).data).toBeNull();
  });

  it("is refused where it is no JSON", () => {
    expect(refusal(delegateInput, { instances: "A", payload: () => 1 }).field).toMatch(/^payload/);
    expect(refusal(delegateInput, { instances: "A", payload: 1n }).field).toBe("payload");
  });

  it("may differ by instance, under valid names", () => {
    expect(fanoutInput.parse({ targets: "A", payloads: { A: 1 } }).payloads).toEqual({ A: 1 });
    expect(refusal(fanoutInput, { targets: "A", payloads: { "a b": 1 } }).field).toBe("payloads.a b");
  });
});

describe("times", () => {
  it.each([
    ["10s", 10_000],
    [10, 10_000],
    ["500ms", 500],
    ["5m", 300_000],
    [0.5, 500],
  ])("%j is %d ms as timeout and as wait", (time, ms) => {
    const call = { timeout: time, wait: time };
    expect(delegateInput.parse({ instances: "A", ...call })).toMatchObject({ timeout: ms, wait: ms });
    expect(fanoutInput.parse({ targets: "A", ...call })).toMatchObject({ timeout: ms, wait: ms });
    expect(sessionsSendInput.parse({ sessionId: "s", ...call })).toMatchObject({ timeout: ms, wait: ms });
    expect(runsGetInput.parse({ runId: "r", wait: time }).wait).toBe(ms);
  });

  it.each([-1, "-1s", "soon", "", true, null, "10 parsecs"])("%j is refused, naming the field", (time) => {
    for (const field of ["timeout", "wait"]) {
      const { field: named, message } = refusal(fanoutInput, { targets: "A", [field]: time });
      expect(named).toBe(field);
      expect(message).toContain('such as 10, "10s", "500ms" or "5m"');
    }
  });

  it("may be nothing as wait, but not as timeout", () => {
    expect(delegateInput.parse({ instances: "A", wait: 0 }).wait).toBe(0);
    expect(refusal(delegateInput, { instances: "A", timeout: 0 }).field).toBe("timeout");
  });
});

describe("numbers", () => {
  it.each([
    ["retries", 0, 10],
    ["minReplies", 1, undefined],
    ["minSuccess", 1, undefined],
    ["concurrency", 1, 1000],
  ])("%s is whole and within its bounds", (field, least, most) => {
    const call = (value: number) => ({ targets: "A", [field]: value });
    expect(fanoutInput.parse(call(least))).toMatchObject({ [field]: least });
    expect(refusal(fanoutInput, call(least - 1)).field).toBe(field);
    expect(refusal(fanoutInput, call(least + 0.5)).field).toBe(field);
    if (most === undefined) return;
    expect(fanoutInput.parse(call(most))).toMatchObject({ [field]: most });
    expect(refusal(fanoutInput, call(most + 1)).field).toBe(field);
  });
});

describe("how answers are combined", () => {
  it("is true, a strategy's name, or an object with one and its options", () => {
    const combined = (aggregate: unknown) => fanoutInput.parse({ targets: "A", aggregate }).aggregate;
    expect(combined(true)).toBe(true);
    expect(combined(false)).toBe(false);
    expect(combined(undefined)).toBeUndefined();
    for (const strategy of STANDALONE_STRATEGIES) {
      expect(combined(strategy)).toEqual({ strategy });
      expect(combined({ strategy })).toEqual({ strategy });
    }
    const options = { strategy: "rank-fusion", key: "doc.id", limit: 10 };
    expect(combined(options)).toEqual(options);
  });

  it.each(["mrge", { strategy: "mrge" }, {}, 1, null, ["merge"]])(
    "is refused as %j, with every strategy",
    (aggregate) => {
      const { field, message } = refusal(fanoutInput, { targets: "A", aggregate });
      expect(field).toBe("aggregate");
      for (const strategy of AGGREGATION_STRATEGIES) expect(message).toContain(strategy);
    },
  );

  it("refuses an option that it does not have, by its name", () => {
    const { field, message } = refusal(fanoutInput, {
      targets: "A",
      aggregate: { strategy: "merge", limt: 1 },
    });
    expect(field).toBe("aggregate.limt");
    expect(message).toContain("limit");
  });

  it("takes either a run, runs or responses, not both and not neither", () => {
    const responses = [{ instance: "A", result: { a: 1 } }];
    expect(aggregateInput.parse({ responses, strategy: "merge" }).responses).toEqual(responses);
    expect(aggregateInput.parse({ runIds: ["r1", "r2"], strategy: "merge" }).runIds).toEqual(["r1", "r2"]);
    for (const both of [{}, { runId: "r1", responses }, { runIds: ["r1"], runId: "r1" }]) {
      expect(refusal(aggregateInput, { ...both, strategy: "merge" }).message).toContain(
        "either runId or responses",
      );
    }
    expect(refusal(aggregateInput, { responses: [], strategy: "merge" }).field).toBe("responses");
    expect(refusal(aggregateInput, { responses: [{ instance: "A" }], strategy: "merge" }).field).toBe(
      "responses[0].result",
    );
  });
});

describe("a session's name", () => {
  it.each(["", "a/b", "-x", "x".repeat(65)])("is refused as %j, naming the field", (sessionId) => {
    for (const schema of [sessionsSpawnInput, sessionsSendInput, sessionsHistoryInput]) {
      expect(refusal(schema, { sessionId }).field).toBe("sessionId");
    }
  });
});
