import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { askFleet } from "./ask-fleet.ts";
import type { Prompt } from "./define-prompt.ts";
import { divideJob } from "./divide-job.ts";
import { secondOpinion } from "./second-opinion.ts";
import { watchFleet } from "./watch-fleet.ts";

/** What people do with a fleet, in the order in which they are listed. */
const PROMPTS: readonly Prompt[] = [askFleet, secondOpinion, divideJob, watchFleet];

/** Those that lead to no other tools than these. */
export function promptsFor(tools: readonly { name: string }[]): readonly Prompt[] {
  const shown = new Set(tools.map(({ name }) => name));
  return PROMPTS.filter((prompt) => prompt.tools.every((tool) => shown.has(tool)));
}

/** @throws ProtocolError that names those that there are. */
export function promptNamed(name: string, prompts = PROMPTS): Prompt {
  const prompt = prompts.find((each) => each.name === name);
  if (prompt) return prompt;
  const names = prompts.map((each) => each.name).join(", ");
  throw new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `There is no prompt ${name.slice(0, 100)}. There are: ${names || "none with these tools"}.`,
  );
}
