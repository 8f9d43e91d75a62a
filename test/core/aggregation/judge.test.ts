import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgePayload, readVerdict } from "../../../src/core/aggregation/judge.ts";
import { reducePayload } from "../../../src/core/aggregation/reduce.ts";
import type { Json } from "../../../src/core/json.ts";
import { resultsOf } from "./arbitraries.ts";

const answers = resultsOf(["one", { message: "two" }]).map(({ instance, result }) => ({ instance, result }));

describe("what a judge is handed", () => {
  it("is the question and the numbered answers, without any name", () => {
    const payload = judgePayload("Prefer short ones.", answers, { question: { message: "Why?" } });
    expect(payload).toEqual({
      message: expect.stringMatching(/"choice".* Prefer short ones\.$/),
      question: { message: "Why?" },
      answers: [
        { number: 1, answer: "one" },
        { number: 2, answer: { message: "two" } },
      ],
    });
    expect(JSON.stringify(payload)).not.toMatch(/"[AB]"/);
  });

  it("has the question of each, where they were asked different ones", () => {
    const { answers: numbered } = judgePayload(undefined, answers, {
      question: "q",
      questions: { B: "mine" },
    });
    expect(numbered).toEqual([
      { number: 1, answer: "one" },
      { number: 2, question: "mine", answer: { message: "two" } },
    ]);
  });
});

describe("a verdict", () => {
  it.each([
    [
      { choice: 2, reason: "short" },
      { choice: 2, reason: "short" },
    ],
    [{ choice: "1" }, { choice: 1 }],
    ['I compared them.\n```json\n{"choice": 2, "reason": "why"}\n```', { choice: 2, reason: "why" }],
    [{ message: 'So {"choice":1,"reason":7}' }, { choice: 1 }],
  ])("is read from %j", (reply, verdict) => expect(readVerdict(reply, 2)).toEqual(verdict));

  it.each<Json>([
    { choice: 3 },
    { choice: 0 },
    { choice: 1.5 },
    { choice: null },
    {},
    "the second",
    [1],
    null,
  ])("is none in %j, and what was said is quoted", (reply) => {
    expect(() => readVerdict(reply, 2)).toThrow(/named none of the 2 answers\. It said: /);
  });

  it("always names an answer that there is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 5 }), (choice, count) => {
        try {
          const verdict = readVerdict({ choice: choice as number }, count);
          expect(verdict.choice).toBeGreaterThanOrEqual(1);
          expect(verdict.choice).toBeLessThanOrEqual(count);
        } catch (error) {
          expect(String(error)).toContain("named none");
        }
      }),
    );
  });
});

describe("what a reducer is handed", () => {
  it("is the instruction, the question and all answers by name", () => {
    expect(reducePayload("Sum up.", answers, { question: "Why?", questions: { A: "mine" } })).toEqual({
      message: "Sum up.",
      question: "Why?",
      answers: [
        { instance: "A", question: "mine", result: "one" },
        { instance: "B", result: { message: "two" } },
      ],
    });
  });
});
