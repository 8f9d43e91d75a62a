import { OrchestratorError } from "../../../core/errors.ts";
import type { Json } from "../../../core/json.ts";
import { shortened } from "../../../core/quote.ts";
import type { Usage } from "../../../core/usage.ts";
import { howEnded, type ProgramEnd } from "../program.ts";
import type { Agent, Said } from "./agent.ts";

const ACTION =
  "Read what it said. It sees only the variables that it documents and those of --env, and may do only what " +
  "arguments after -- allow it.";

/**
 * What an agent answered.
 * @throws OrchestratorError `instance_error`, in the agent's own words.
 */
export function resultFrom(
  { name, forgotten }: Agent,
  end: ProgramEnd,
  said: Said | undefined,
  usage: Usage | undefined,
): Json {
  if (said && "result" in said && end.exitCode === 0) return said.result;
  const { exitCode, signal, stderr } = end;
  throw new OrchestratorError("instance_error", `${name} failed: ${wordsOf(end, said)}`, {
    action: forgotten.test(stderr)
      ? "Close the session and spawn it anew: its conversation is gone."
      : ACTION,
    delivery: "accepted",
    details: { exitCode, signal, ...(stderr && { stderr }), ...(usage && { usage }) },
  });
}

function wordsOf(end: ProgramEnd, said: Said | undefined): string {
  if (said && "failure" in said) return said.failure;
  if (end.exitCode !== 0) return `it ${howEnded(end)}${reasonIn(end.stderr)}`;
  const { output } = end;
  return output ? `its output is not understood: ${shortened(output)}` : "it wrote nothing";
}

/** The last line that speaks of an error, or else the last one. */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const line = lines.findLast((text) => /\berror\b/i.test(text)) ?? lines.at(-1);
  return line ? `: ${line}` : "";
}
