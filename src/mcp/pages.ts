import type { ResultPage } from "../core/run-answers.ts";
import { cutAt } from "./cut.ts";
import type { Response } from "./respond.ts";
import type { Room } from "./room.ts";
import { AS_DATA, callOf, quote } from "./words.ts";

/** Who asks for a page is shown something of it, whatever else is asked for. */
const LEAST_CHARS = 400;

/**
 * A page of what came of a run, no longer than there is room for.
 *
 * @param alsoAt Where else the page from an offset on is read.
 */
export function pageResponse(page: ResultPage, room: Room, alsoAt?: (offset: number) => string): Response {
  const { runId, instance, step, reply, offset, totalChars } = page;
  const whose = step !== undefined ? { step } : instance !== undefined ? { instance } : { value: true };
  const name = step ?? instance ?? "the plan";
  if (totalChars === 0) return { text: `${name} has no result in run ${runId}: ${reply}.`, structured: page };
  const text = page.text.slice(0, cutAt(page.text, Math.max(LEAST_CHARS, room.each)));
  const end = offset + text.length;
  const nextOffset = text.length < page.text.length ? end : page.nextOffset;
  const also = alsoAt && nextOffset !== undefined ? `, or as ${alsoAt(nextOffset)}` : "";
  const more =
    nextOffset === undefined
      ? "This is the end of it."
      : `Read on with ${callOf("runs_get", { runId, ...whose, offset: nextOffset })}${also}`;
  return {
    text: [
      `Characters ${offset} to ${end} of ${totalChars} of ${name}'s result, run ${runId}, ${AS_DATA}`,
      quote(text).trimStart(),
      more,
    ].join("\n"),
    structured: { ...page, text, ...(nextOffset !== undefined && { nextOffset }) },
  };
}
