import { describe, expect, it } from "vitest";
import { addUsage, readUsage, tokensOf, usageWords } from "../../src/core/usage.ts";

describe("usage", () => {
  it("is added up, and what only one tells is that one's", () => {
    expect(addUsage({ inputTokens: 1, costUsd: 0.5 }, { inputTokens: 2, outputTokens: 3 })).toEqual({
      ...{ inputTokens: 3, outputTokens: 3, costUsd: 0.5 },
    });
    expect(addUsage(undefined, { inputTokens: 2 })).toEqual({ inputTokens: 2 });
  });

  it("has the tokens of those too that tell no total", () => {
    const sum = addUsage(
      { inputTokens: 4, outputTokens: 6, totalTokens: 10 },
      { inputTokens: 20, outputTokens: 5 },
    );
    expect(sum).toEqual({ inputTokens: 24, outputTokens: 11, totalTokens: 35 });
    expect(tokensOf(sum ?? {})).toBe(35);
  });

  it("is read from what an instance says, of which only figures count", () => {
    expect(readUsage({ inputTokens: 3, outputTokens: "9", costUsd: -1, other: 1 })).toEqual({
      inputTokens: 3,
    });
    expect(readUsage({ note: "none" })).toBeUndefined();
    expect(usageWords({ inputTokens: 3, outputTokens: 4, costUsd: 0.01234 })).toBe("7 tokens, 0.0123 USD");
  });
});
