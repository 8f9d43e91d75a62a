import type { Json } from "../core/json.ts";
import { type Excerpt, excerpts } from "./excerpt.ts";
import type { CutResult } from "./respond.ts";
import type { Room } from "./room.ts";
import { quoteExcerpt, readResult } from "./words.ts";

/** One instance's result, named by the run that it belongs to. */
export interface InstanceResult {
  runId: string;
  instance: string;
  result?: Json;
}

/** The result in words: as much as there is room for, and how to read on. */
export function resultText({ runId, instance }: InstanceResult, excerpt: Excerpt): string {
  return quoteExcerpt(excerpt, (offset) => readResult(runId, instance, offset));
}

/** The result for programs: `result`, or its length and a note in its place. */
export function resultFields({ runId, instance, result }: InstanceResult, { whole, chars }: Excerpt): object {
  return whole ? { result } : cutFields({ runId, instance }, chars);
}

export function cutFields({ runId, instance }: InstanceResult, chars: number): object {
  return { resultChars: chars, note: `${chars} characters; ${readResult(runId, instance)}` };
}

/** The one result of a call, in words and for programs. */
export function showResult(
  answer: InstanceResult,
  room: Room,
): { text: string; fields: object; cut: CutResult[] } {
  const result = answer.result ?? null;
  const [excerpt] = excerpts([result], room) as [Excerpt];
  return {
    text: resultText(answer, excerpt).trimStart(),
    fields: resultFields({ ...answer, result }, excerpt),
    cut: cutResults(answer, excerpt),
  };
}

/** The result, if it was cut. */
export function cutResults({ runId, instance }: InstanceResult, { whole, chars }: Excerpt): CutResult[] {
  return whole ? [] : [{ runId, instance, chars }];
}
