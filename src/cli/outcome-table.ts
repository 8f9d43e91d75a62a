import type { OutcomeView } from "../core/answers.ts";
import type { Reply } from "../core/delivery.ts";
import { writeJson } from "../core/json-text.ts";
import { usageWords } from "../core/usage.ts";
import { paint, table } from "./table.ts";
import { errorLine, excerpt, readable, span } from "./text.ts";

const COLOURS = {
  done: "green",
  failed: "red",
  none: "red",
  cancelled: "yellow",
  pending: "yellow",
} as const satisfies Record<Reply, string>;

/** Where nobody says how wide a line may be. */
const WIDE_ENOUGH = 120;
const LEAST_EXCERPT = 20;

/** A line an instance: its reply, how long it took, and a part of its result or what went wrong and what to do. */
export function outcomeTable(outcomes: readonly OutcomeView[]): string {
  const isPriced = outcomes.some(({ usage }) => usage);
  const head = ["INSTANCE", "REPLY", "TIME", ...(isPriced ? ["USAGE"] : [])];
  const facts = outcomes.map(({ instance, reply, elapsedMs, usage }) => [
    ...[instance, reply, span(elapsedMs)],
    ...(isPriced ? [usageWords(usage)] : []),
  ]);
  const taken = table([head, ...facts].map((row) => [...row, "|"])).indexOf("|");
  const room = Math.max(LEAST_EXCERPT, (process.stdout.columns || WIDE_ENOUGH) - taken - 1);
  const rows = facts.map((row, index) => [...row, saying(outcomes[index] as OutcomeView, room)]);
  return paintReplies(table([[...head, "RESULT"], ...rows]));
}

/** Coloured once the columns stand, since colours have a length too. */
export function paintReplies(text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return text.replace(
    /^(\S+\s+)(done|failed|none|cancelled|pending)\b/gm,
    (_, before: string, reply: Reply) => before + paint(COLOURS[reply], reply, stream),
  );
}

function saying({ reply, delivery, result, resultChars, error }: OutcomeView, room: number): string {
  if (result !== undefined) return excerpt(result, room);
  if (resultChars !== undefined) return `${resultChars} characters`;
  if (error) return `${errorLine(error)} (delivery ${delivery})`;
  return reply === "done" ? "" : `delivery ${delivery}`;
}

/** The same of work that has one result, which stands below where the line shows less than all of it. */
export function resultWords(outcomes: readonly OutcomeView[]): string {
  const text = outcomeTable(outcomes);
  const result = outcomes.at(-1)?.result;
  if (result === undefined) return text;
  const whole = readable(result);
  const isShown = typeof result === "string" ? text.endsWith(whole) : text.endsWith(writeJson(result));
  return isShown ? text : `${text}\n\n${whole}`;
}
