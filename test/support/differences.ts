/** Fields whose words a reader relies on; of other fields only the type is told. */
const EXACT = new Set([
  "code",
  "delivery",
  "reply",
  "state",
  "operation",
  "strategy",
  "kind",
  "event",
  "status",
]);

/** Where an answer is not as it is shown: a field is missing, or of another type, or of another word. */
export function differences(shown: unknown, actual: unknown, path = ""): string[] {
  if (kindOf(shown) !== kindOf(actual)) return [`${path || "it"} is ${kindOf(actual)}, not ${kindOf(shown)}`];
  if (Array.isArray(shown)) {
    return shown.flatMap((item, index) =>
      differences(item, (actual as unknown[])[index], `${path}[${index}]`),
    );
  }
  if (typeof shown === "object" && shown !== null) {
    return Object.entries(shown).flatMap(([name, value]) => {
      const inner = path === "" ? name : `${path}.${name}`;
      const found = (actual as Record<string, unknown>)[name];
      const differs = EXACT.has(name) && typeof value === "string" && found !== value;
      return differs ? [`${inner} is ${JSON.stringify(found)}`] : differences(value, found, inner);
    });
  }
  return [];
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? "list" : typeof value;
}
