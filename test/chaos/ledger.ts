import { appendFileSync, readFileSync } from "node:fs";
import * as z from "zod";
import { NAME } from "../../src/core/instance.ts";

// What an instance executed, written by its worker to a file that outlives every process under test.

const line = z.strictObject({
  event: z.enum(["start", "done", "failed", "cancelled"]),
  /** Unique to one execution. */
  execution: z.string(),
  instance: z.string().regex(NAME),
  /** The idempotency key that the orchestrator sent it under. */
  key: z.string(),
  callId: z.string(),
});
export type LedgerLine = z.output<typeof line>;

/** One execution, and how it ended; `cut` when its instance died first. */
export interface Execution extends Omit<LedgerLine, "event"> {
  end: "done" | "failed" | "cancelled" | "cut";
}

/** Appends one line: `O_APPEND` keeps the lines of many processes whole. */
export function append(file: string, entry: LedgerLine): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function readLedger(file: string): Execution[] {
  const executions = new Map<string, Execution>();
  for (const text of readFileSync(file, "utf8").split("\n")) {
    if (text === "") continue;
    const { event, ...facts } = line.parse(JSON.parse(text));
    executions.set(facts.execution, { ...facts, end: event === "start" ? "cut" : event });
  }
  return [...executions.values()];
}
