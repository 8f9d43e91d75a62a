import type { InstanceHealth } from "../core/answers.ts";
import type { HealthState } from "../core/health.ts";
import { lacks } from "../core/lacks.ts";
import { transitionWords } from "../core/transition-words.ts";
import { paint, table } from "./table.ts";
import { oneLine } from "./text.ts";

/** Each one's state by its name; with `detail` all that is known. */
export function healthJson(found: readonly InstanceHealth[], detail: boolean): Record<string, unknown> {
  return Object.fromEntries(
    found.map(({ instance, ...rest }) => [instance, detail ? { ...rest } : rest.state]),
  );
}

/** A line an instance and, with its past, since when each that is not well is so, who saw it, and what holds it off. */
export function healthWords(found: readonly InstanceHealth[]): string {
  return [paintStates(healthTable(found)), ...found.flatMap(past)].join("\n");
}

const LONGEST_REASON = 300;

export function healthTable(found: readonly InstanceHealth[]): string {
  const rows = found.map(({ instance, state, latencyMs, protocol, tags, reason }) => [
    instance,
    state,
    latencyMs === undefined ? "" : `${Math.round(latencyMs)} ms`,
    protocol ?? "",
    tags?.join(",") ?? "",
    oneLine(reason, LONGEST_REASON),
  ]);
  return table([["INSTANCE", "STATE", "LATENCY", "PROTOCOL", "TAGS", "WHY"], ...rows]);
}

const COLOURS = {
  healthy: "green",
  degraded: "yellow",
  draining: "yellow",
  down: "red",
  unknown: "red",
} as const satisfies Record<HealthState, string>;

/** Coloured once the columns stand, since colours have a length too. */
export function paintStates(text: string): string {
  return text.replace(
    /^(\S+\s+)(healthy|degraded|draining|down|unknown)\b/gm,
    (_, before: string, state: HealthState) => before + paint(COLOURS[state], state, process.stdout),
  );
}

function past({ instance, state, breaker, transitions, capabilities }: InstanceHealth): string[] {
  const last = transitions?.at(-1);
  const lacking = transitions && capabilities ? lacks(capabilities) : "";
  return [
    ...(lacking === "" ? [] : [`${instance}: its protocol has ${lacking}`]),
    ...(last?.to === state && state !== "healthy" ? [`${instance}: ${transitionWords(last)}`] : []),
    ...(breaker ? [`${instance}: breaker ${breaker.state} until ${breaker.until}`] : []),
  ];
}
