import { OrchestratorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { ListedTool } from "./define-tool.ts";
import { LISTED } from "./listed.ts";

/** Which tools a server shows. */
export interface ToolChoice {
  /** Only these, by their names. */
  only?: readonly string[] | undefined;
  /** Only those that change nothing anywhere. */
  readOnly?: boolean | undefined;
}

/** @throws OrchestratorError `bad_request` for a name that no tool has, or where none is left. */
export function chooseTools({ only, readOnly = false }: ToolChoice = {}): readonly ListedTool[] {
  const names = LISTED.map(({ name }) => name);
  const stray = only?.find((name) => !names.includes(name));
  if (stray !== undefined) {
    const near = nearest(stray, names);
    const hint = near === undefined ? `There are: ${names.join(", ")}.` : `Did you mean ${near}?`;
    throw new OrchestratorError("bad_request", `tools: there is no tool ${stray}. ${hint}`);
  }
  const chosen = LISTED.filter((tool) => (only?.includes(tool.name) ?? true) && (!readOnly || tool.readOnly));
  if (chosen.length > 0) return chosen;
  throw new OrchestratorError("bad_request", "tools: of those that are named none is read-only.");
}
