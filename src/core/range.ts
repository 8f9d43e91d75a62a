import { OrchestratorError } from "./errors.ts";
import { NAME } from "./instance.ts";

/** A series of names, by its ends. */
export interface Range {
  from: bigint;
  to: bigint;
  /** Its ends the other way round, as a selector. */
  reversed: string;
  /** Where a name stands in this series, `undefined` when it is not of it. */
  position(name: string): bigint | undefined;
  /** The name at a place of this series. */
  nameAt(position: bigint): string;
}

/** Two of the longest names with a hyphen between them. */
const LONGEST_RANGE = 64 + 1 + 64;
const LETTERS = /^([A-Za-z])-([A-Za-z])$/;
const NUMBERED = /^(.*?)(\d+)-\1(\d+)$/;

/**
 * Reads `A-H` or `node1-node12`; `undefined` for what is no range.
 *
 * @throws OrchestratorError `bad_request` for a reversed range.
 */
export function parseRange(term: string): Range | undefined {
  if (term.length > LONGEST_RANGE) return undefined;
  const range = letterRange(term) ?? numberRange(term);
  if (range && range.from > range.to) {
    throw new OrchestratorError("bad_request", `The range "${term}" is reversed.`, {
      action: `Write it as ${range.reversed}.`,
    });
  }
  return range;
}

function letterRange(term: string): Range | undefined {
  const [, first, last] = LETTERS.exec(term) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const upper = (letter: string) => letter === letter.toUpperCase();
  if (upper(first) !== upper(last)) return undefined;
  const code = (letter: string) => BigInt(letter.charCodeAt(0));
  return {
    from: code(first),
    to: code(last),
    reversed: `${last}-${first}`,
    position: (name) => (name.length === 1 ? code(name) : undefined),
    nameAt: (position) => String.fromCharCode(Number(position)),
  };
}

function numberRange(term: string): Range | undefined {
  const [, prefix = "", first, last] = NUMBERED.exec(term) ?? [];
  if (first === undefined || last === undefined || !NAME.test(`${prefix}${first}`)) return undefined;
  return {
    from: BigInt(first),
    to: BigInt(last),
    reversed: `${prefix}${last}-${prefix}${first}`,
    position: (name) => {
      const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
      return /^\d+$/.test(digits) ? BigInt(digits) : undefined;
    },
    // `node01` sets the width for the whole series.
    nameAt: (position) => `${prefix}${String(position).padStart(first.length, "0")}`,
  };
}
