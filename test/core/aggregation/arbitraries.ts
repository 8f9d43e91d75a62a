import fc from "fast-check";
import type { PlacedResult } from "../../../src/core/aggregation/strategy.ts";
import type { Json } from "../../../src/core/json.ts";

/** Any JSON, with keys few enough that two values often meet at one, the dangerous ones among them. */
export const anyJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom<Json>(null, true, false, "", "x", "y", 0, 1, 2.5),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .uniqueArray(
        fc.tuple(
          fc.constantFrom("a", "b", "x.y", "", "id", "hits", "__proto__", "constructor", "prototype"),
          tie("value"),
        ),
        {
          maxLength: 5,
          selector: ([key]) => key,
        },
      )
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** At least one result, in target order, each from an instance of its own: A, B, C … */
export function resultsOf(results: readonly Json[]): PlacedResult[] {
  return results.map((result, place) => ({ instance: String.fromCharCode(65 + place), result, place }));
}

export const anyResults: fc.Arbitrary<PlacedResult[]> = fc
  .array(anyJson, { minLength: 1, maxLength: 6 })
  .map(resultsOf);

/** Answers as models give them: prose, numbers, lists, and JSON in fences and behind prose. */
const anyText: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    "yes",
    " Yes",
    "no",
    "42",
    " 4.5e1 ",
    "- one\n- two",
    "1. one\n2) three",
    "[1] says so",
  ),
  anyJson.map((json) => JSON.stringify(json)),
  anyJson.map((json) => `Let me see.\n\`\`\`json\n${JSON.stringify(json, null, 2)}\n\`\`\`\nDone.`),
  anyJson.map((json) => ({ message: `The answer is ${JSON.stringify(json)}, I think.` })),
);

export const anyTextResults: fc.Arbitrary<PlacedResult[]> = fc
  .array(fc.oneof(anyText, anyJson), { minLength: 1, maxLength: 6 })
  .map(resultsOf);
