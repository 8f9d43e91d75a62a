import { OrchestratorError } from "../errors.ts";
import { LIST_FIELDS } from "./look-up.ts";
import type { InstanceResult } from "./strategy.ts";
import { quoted } from "./text.ts";

/** Why answers could not be combined as lists. */
export function noList(strategy: string, results: readonly InstanceResult[]): OrchestratorError {
  const [first] = results;
  return new OrchestratorError(
    "aggregate_failed",
    `${strategy} found no list of hits in any of ${results.length} answers: ` +
      `a list is an array, or an object with an array in ${LIST_FIELDS.join(", ")}. ` +
      `${first?.instance} said: ${quoted(first?.result ?? null)}`,
  );
}
