/** Node's timers overflow past this. */
const LONGEST_MS = 2 ** 31 - 1;
const SECONDS = /^\d+$/;
/** HTTP's three forms of a date all begin with the day of the week. */
const HTTP_DATE = /^(mon|tue|wed|thu|fri|sat|sun)/i;

/**
 * Milliseconds that a `Retry-After` header asks to wait: seconds, or an HTTP date seen from `now`
 * (epoch milliseconds). `undefined` where it is neither; a date that has passed is 0.
 */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!value) return undefined;
  if (SECONDS.test(value)) return Math.min(Number(value) * 1000, LONGEST_MS);
  if (!HTTP_DATE.test(value)) return undefined;
  const at = Date.parse(/gmt$/i.test(value) ? value : `${value} GMT`);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), LONGEST_MS);
}
