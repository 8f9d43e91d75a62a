/** Clients in Rust and Python give up a message that is nested deeper than some 128 or 200 levels. */
const DEEPEST = 100;

/**
 * A value as every client can read it: half a surrogate pair is replaced, and what is nested too deeply is its JSON as
 * text. An instance's answer may have either, and a client that cannot read one frame may give up the connection.
 */
export function portable<T>(value: T): T {
  return within(value, DEEPEST) as T;
}

/** The value itself where there is nothing to change. */
function within(value: unknown, levels: number): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return JSON.stringify(value).toWellFormed();
  if (Array.isArray(value)) {
    const members = value.map((member) => within(member, levels - 1));
    return members.some((member, index) => member !== value[index]) ? members : value;
  }
  const entries = Object.entries(value);
  const members = entries.map(([key, member]) => [key.toWellFormed(), within(member, levels - 1)] as const);
  const isSame = members.every(
    ([key, member], index) => key === entries[index]?.[0] && member === entries[index]?.[1],
  );
  return isSame ? value : Object.fromEntries(members);
}
