import fc from "fast-check";
import type { InstanceResult } from "../../../src/core/aggregation/strategy.ts";
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
export function resultsOf(results: readonly Json[]): InstanceResult[] {
  return results.map((result, index) => ({ instance: String.fromCharCode(65 + index), result }));
}

export const anyResults: fc.Arbitrary<InstanceResult[]> = fc
  .array(anyJson, { minLength: 1, maxLength: 6 })
  .map(resultsOf);
