const SENT = new WeakMap<object, object>();

/** Remembers what an input was parsed from. */
export function rememberSent(input: unknown, sent: object): void {
  if (typeof input === "object" && input !== null) SENT.set(input, sent);
}

/** An input as it was before it was parsed: for an engine elsewhere, which parses it again. */
export function asSent<T extends object>(input: object): T {
  return (SENT.get(input) ?? input) as T;
}
