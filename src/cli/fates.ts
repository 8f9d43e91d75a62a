import type { OutcomeView } from "../core/answers.ts";
import type { OrchestratorError } from "../core/errors.ts";
import type { Orchestrator } from "../core/orchestrator.ts";
import { say } from "./output.ts";
import { errorLine, messageLine } from "./text.ts";

/** What is known of cancelled work at one instance. */
export type Fate = Pick<OutcomeView, "instance" | "delivery" | "reply" | "error">;

/** Says what became of the work at each instance that had it, or may have it. */
export function sayFates(fates: readonly Fate[] | undefined): void {
  for (const line of fateLines(fates)) say(line);
}

function fateLines(fates: readonly Fate[] | undefined): string[] {
  if (fates === undefined)
    return ["What became of the work is not known here: `orchestrator runs list` has its run."];
  if (fates.length === 0) return ["Nothing was sent to any instance."];
  // An instance that was asked again is where its last attempt left it.
  return Array.from(new Map(fates.map((each) => [each.instance, each])).values(), fateLine);
}

function fateLine({ instance, delivery, reply, error }: Fate): string {
  switch (reply) {
    case "done":
      return `${instance}: completed anyway`;
    case "cancelled":
      return `${instance}: cancelled`;
    case "failed":
      return `${instance}: failed before it could be cancelled${error ? `: ${errorLine(error)}` : ""}`;
    case "pending":
      return `${instance}: still working (delivery ${delivery})`;
    case "none":
      if (delivery === "not_sent") return `${instance}: nothing was sent, or it never began`;
      return `${instance}: unknown (delivery ${delivery})${error ? `: ${messageLine(error)}` : ""}`;
  }
}

/** Whether an instance may still be at work although it was told to stop. */
export function mayGoOn({ reply, delivery }: Fate): boolean {
  return reply === "pending" || (reply === "none" && delivery !== "not_sent");
}

/** The fates in a run whose call has failed, as the run has them, else as the error tells; `undefined` where neither does. */
export async function fatesOf(
  orchestrator: Orchestrator,
  error: OrchestratorError,
): Promise<readonly Fate[] | undefined> {
  const { runId, delivery, details } = error.toBody();
  if (runId === undefined) return delivery === "not_sent" ? [] : undefined;
  try {
    const run = await orchestrator.runsGet({ runId });
    if ("outcomes" in run) return run.outcomes;
  } catch {
    // What could not be read again the error may tell.
  }
  return details?.attempts as Fate[] | undefined;
}
