import { isObject, type JsonObject, parseJson } from "./json.ts";
import { keepText } from "./json-text.ts";

/** What stands between the first members of a record and its result, the first time that something like it does. */
const RESULT = /,[ \t\n\r]*"result"[ \t\n\r]*:/;
const AFTER = /^[ \t\n\r]*$/;
const CLOSED_BY: Record<string, string> = { "{": "}", "[": "]" };

/**
 * Parses a record whose last member is `result`, an object or a list, and keeps the text of that; `undefined` for
 * anything else, which `JSON.parse` has then to read as a whole.
 *
 * No scanner is needed. An object with members is `{`, members with commas between them, `}`. If what stands before
 * the cut is one once a `}` is put behind it, it is `{` and members; if what stands behind the cut, up to the last
 * `}`, is a value, then all of it is the same object with one more member. JSON can be read in one way only: so no
 * cut that meets both can lie within a string, or within something nested. A cut that does fails one of them.
 */
export function splitAtResult(text: string): JsonObject | undefined {
  const cut = RESULT.exec(text);
  const end = text.lastIndexOf("}");
  if (!cut || !AFTER.test(text.slice(end + 1))) return undefined;
  const behind = text.slice(cut.index + cut[0].length, end);
  const written = behind.trim();
  // Where other members follow it is mostly seen here, before it is parsed in vain.
  if (CLOSED_BY[written.charAt(0)] !== written.at(-1)) return undefined;
  const record = parseJson(`${text.slice(0, cut.index)}}`);
  if (!isObject(record) || Object.keys(record).length === 0) return undefined;
  const result = parseJson(behind);
  if (result === undefined) return undefined;
  record.result = keepText(result, written);
  return record;
}
