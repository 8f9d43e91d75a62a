import type { Report } from "./campaign.ts";
import { groupBy } from "./group-by.ts";
import { RULES } from "./violation.ts";

const SHOWN = 10;

/** Writes the counts as a table, and the first violations of each rule. */
export function print({
  calls,
  elapsedMs,
  faults,
  executions,
  runs,
  takenOver,
  moves,
  oldKeys,
  outcomes,
  violations,
}: Report): void {
  const rows: [string, number | string][] = [
    ["calls", calls],
    ["runs", runs],
    ["runs taken over", takenOver],
    ["moves of sessions", moves],
    ["requests with an old key", oldKeys],
    ["executions", executions],
    ["seconds", Math.round(elapsedMs / 1_000)],
    ...[...outcomes].sort().map(([end, count]): [string, number] => [`outcome ${end}`, count]),
    ...faults,
    ...RULES.map((rule): [string, number] => [
      `violations: ${rule}`,
      violations.filter((violation) => violation.rule === rule).length,
    ]),
  ];
  for (const [name, count] of rows) process.stdout.write(`${name.padEnd(32)} ${String(count).padStart(8)}\n`);
  for (const [rule, found] of groupBy(violations, ({ rule }) => rule)) {
    for (const { text } of found.slice(0, SHOWN)) process.stdout.write(`${rule}: ${text}\n`);
    if (found.length > SHOWN) process.stdout.write(`${rule}: and ${found.length - SHOWN} more\n`);
  }
}
