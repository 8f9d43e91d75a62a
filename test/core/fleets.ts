import { expect } from "vitest";
import type { ErrorCode, OrchestratorError } from "../../src/core/errors.ts";
import { type Selectable, type Selector, selectKnown } from "../../src/core/selector.ts";

/** The fleet of the examples. */
export const EIGHT = fleet("A", "B", "C", "D", "E", "F", "G", "H");

/** Instances of these names, without tags. */
export function fleet(...names: string[]): Selectable[] {
  return names.map((name) => ({ name, tags: [] }));
}

/** The names that a selector picks, in order. */
export function picks(selector: Selector, known: readonly Selectable[]): string[] {
  return selectKnown(selector, known).map(({ name }) => name);
}

/** The error of a selector that must be refused, with this code. */
export function failure(
  code: ErrorCode,
  selector: Selector,
  known: readonly Selectable[],
): OrchestratorError {
  try {
    selectKnown(selector, known);
  } catch (error) {
    expect((error as OrchestratorError).code).toBe(code);
    return error as OrchestratorError;
  }
  throw new Error(`${JSON.stringify(selector)} was accepted`);
}
