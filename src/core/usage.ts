/** What work cost, as far as the instance said. Tokens are counted by its model's own tokenizer. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  /** Input and output together, where only that is told, or something is counted besides. */
  totalTokens?: number;
  costUsd?: number;
}

/** Both together; a figure that only one has is that one's. */
export function addUsage(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (!a || !b) return a ?? b;
  const sum: Usage = {};
  for (const key of FIGURES) {
    if (a[key] !== undefined || b[key] !== undefined) sum[key] = (a[key] ?? 0) + (b[key] ?? 0);
  }
  // One that tells no total has tokens all the same.
  if (sum.totalTokens !== undefined) sum.totalTokens = tokensOf(a) + tokensOf(b);
  return sum;
}

/** All tokens of it. */
export function tokensOf({ inputTokens = 0, outputTokens = 0, totalTokens }: Usage): number {
  return totalTokens ?? inputTokens + outputTokens;
}

/** Such as `1204 tokens, 0.02 USD`; empty where nothing is known. */
export function usageWords(usage: Usage | undefined): string {
  if (!usage) return "";
  const tokens = tokensOf(usage);
  const { costUsd } = usage;
  return [tokens > 0 && `${tokens} tokens`, costUsd !== undefined && `${Number(costUsd.toPrecision(3))} USD`]
    .filter((figure) => figure !== false)
    .join(", ");
}

const FIGURES = ["inputTokens", "outputTokens", "totalTokens", "costUsd"] as const;

/** Reads what an instance says of its usage: untrusted until here. */
export function readUsage(value: unknown): Usage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const usage: Usage = {};
  for (const key of FIGURES) {
    const figure = (value as Record<string, unknown>)[key];
    if (typeof figure === "number" && Number.isFinite(figure) && figure >= 0) usage[key] = figure;
  }
  return Object.keys(usage).length > 0 ? usage : undefined;
}
