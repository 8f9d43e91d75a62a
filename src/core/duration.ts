import * as z from "zod";
import { shortened } from "./quote.ts";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/;
/** Node's timers overflow past this; so does any sensible wait. */
const LONGEST_MS = 2 ** 31 - 1;

const EXPECTED = 'expected seconds or text with a unit, such as 10, "10s", "500ms" or "5m"';

/** Milliseconds of a duration: a number is seconds, text has a unit; `undefined` where it is neither. */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return inRange(value * 1000);
  const match = PATTERN.exec(value.trim());
  if (!match) return undefined;
  return inRange(Number(match[1]) * UNITS[(match[2] ?? "s") as keyof typeof UNITS]);
}

function inRange(ms: number): number | undefined {
  return ms >= 0 && ms <= LONGEST_MS ? Math.round(ms) : undefined;
}

function durationSchema(leastMs: number) {
  return z
    .union([z.number(), z.string()], { error: EXPECTED })
    .transform((value, context) => {
      const ms = parseDuration(value);
      if (ms !== undefined && ms >= leastMs) return ms;
      context.addIssue({
        code: "custom",
        message: `${shortened(JSON.stringify(value))} is no such duration: ${EXPECTED}`,
      });
      return z.NEVER;
    })
    .meta({ plain: { type: "string" } });
}

/** A time that must pass: at least a millisecond. Parses to milliseconds. */
export const duration = durationSchema(1);

/** A time that may be nothing, such as a wait of 0. Parses to milliseconds. */
export const durationOrZero = durationSchema(0);
