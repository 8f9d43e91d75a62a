import { describe, expect, it } from "vitest";
import type { OrchestratorError } from "../../../src/core/errors.ts";
import { orchestrateInput } from "../../../src/core/requests.ts";
import { validate } from "../../../src/core/validate.ts";
import { refusalOf } from "../harness.ts";
import { ask, BAD_PLANS, good } from "./bad-plans.ts";
import { type PlanInput, planEngine, startWorker } from "./harness.ts";

async function setUp() {
  const a = await startWorker((payload) => payload);
  const b = await startWorker((payload) => payload);
  return { a, b, ...planEngine({ fleet: { A: a.url, B: b.url } }) };
}

type Problems = { at: string; problem: string }[];

function problemsIn({ details }: OrchestratorError): string[] {
  return ((details?.problems ?? []) as Problems).map(({ at, problem }) => `${at}: ${problem}`);
}

describe("a plan that is wrong", () => {
  it.each(Object.entries(BAD_PLANS))("in %s is refused, with its place", async (_, [plan, ...problems]) => {
    const { a, b, orchestrate } = await setUp();
    const error = await refusalOf(orchestrate(plan as PlanInput));
    expect(problemsIn(error)).toEqual(problems);
    expect(error).toMatchObject({
      code: "bad_request",
      delivery: "not_sent",
      message: expect.stringMatching(/^The plan is wrong: /),
      details: { field: expect.any(String) },
    });
    expect([a.seen, b.seen]).toEqual([[], []]);
  });

  it("says all that is wrong at once, of every kind", async () => {
    const { engine, orchestrate } = await setUp();
    const error = await refusalOf(
      orchestrate({
        steps: [
          { id: "9", delegate: { ...ask, fallback: "all" } },
          { id: "a", needs: ["b"], delegate: { instances: ["Z"], payload: "${inputs.x}" } },
          { id: "b", needs: ["a", "c"], fanout: { targets: ["A"], payload: "${steps." } },
        ],
      } as never),
    );
    expect(problemsIn(error).map((problem) => problem.split(": ")[0])).toEqual([
      ...["steps[0].id", "steps[0].delegate.fallback", "steps[1].delegate.payload"],
      ...["steps[2].needs[1]", "steps[2].fanout.payload", "steps[1].needs", "steps[1].delegate.instances"],
    ]);
    expect((await engine.runsList({ limit: 10 })).items).toEqual([]);
  });

  it("is refused in full when there is no end of problems, in words that are not", async () => {
    const { orchestrate } = await setUp();
    const steps = Array.from({ length: 1_000 }, (_, n) => ({ id: `s${n}`, needs: ["x"], delegate: {} }));
    const error = await refusalOf(orchestrate({ steps }));
    expect(problemsIn(error)).toHaveLength(100);
    expect(error.message).toMatch(/; and 1980 more$/);
    expect(error.message.length).toBeLessThan(3_000);
  });
});

describe("what is no plan", () => {
  it.each([
    [{}, "steps: give steps, or resume with the runId of a plan that failed"],
    [{ steps: [] }, "steps: expected at least one, and it is empty"],
    [{ steps: "all" }, "steps: expected array, received string"],
    [{ steps: [good], inputs: { "two words": 1 } }, "inputs.two words: expected 1 to 64 letters"],
    [{ steps: [good], budget: 3 }, "budget: expected object, received number"],
    [{ steps: [good], budget: { maxCalls: 0 } }, "budget.maxCalls: expected number to be >=1"],
    [{ steps: [good], concurrency: 1000 }, "concurrency: expected number to be <=256"],
    [{ steps: [good], outputs: 1 }, "outputs: no such field; did you mean"],
    [{ steps: Array.from({ length: 1_001 }, () => good) }, "steps: expected array to have <=1000 items"],
  ])("is named by its field: %#", (plan, message) => {
    expect(() => validate(orchestrateInput, plan)).toThrow(message);
  });
});

describe("a good plan", () => {
  it("of a thousand steps that need one another is checked in a moment", async () => {
    const { dryOrchestrate } = await setUp();
    const steps = Array.from({ length: 1_000 }, (_, n) => ({
      id: `s${n}`,
      needs: Array.from({ length: n }, (__, other) => `s${other}`),
      delegate: { instances: ["A"], payload: n === 0 ? 1 : `\${steps.s${n - 1}.value}` },
    }));
    const begun = performance.now();
    expect(await dryOrchestrate({ steps })).toMatchObject({ dryRun: true, operation: "orchestrate" });
    // Each step's needs by walking would take minutes.
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it("may leave to references what its calls are told, and is explained without being sent", async () => {
    const { a, dryOrchestrate } = await setUp();
    const answer = await dryOrchestrate({
      inputs: { who: ["A"], most: 3, how: "judge" },
      steps: [
        { id: "ask", fanout: { targets: "${inputs.who}" as never, payload: { n: "${inputs.most}" } } },
        {
          id: "pick",
          needs: ["ask"],
          aggregate: { from: ["ask"], strategy: "top", path: "n", limit: "${inputs.most}" },
        },
      ],
    });
    expect(answer).toEqual({
      dryRun: true,
      operation: "orchestrate",
      explanation: { order: ["ask", "pick"], excluded: [], notes: ["ask: at once", "pick: after ask"] },
    });
    expect(a.seen).toEqual([]);
  });

  it("may name steps as objects name what all of them have", async () => {
    const { orchestrate } = await setUp();
    const answer = await orchestrate({
      steps: [
        { id: "__proto__", delegate: { ...ask, payload: { a: 1 } } },
        {
          id: "constructor",
          needs: ["__proto__"],
          delegate: { ...ask, payload: "${steps.__proto__.value.a}" },
        },
      ],
      output: ["${steps.constructor.value}", "${steps.__proto__.reply}"],
    });
    expect(answer).toMatchObject({ reply: "done", value: [1, "done"] });
  });
});
