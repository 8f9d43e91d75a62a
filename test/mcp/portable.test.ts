import { describe, expect, it } from "vitest";
import { portable } from "../../src/mcp/portable.ts";
import { fleet } from "./fleet.ts";
import { call } from "./harness.ts";

const lists = (levels: number) => JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`);

describe("what a client is sent", () => {
  it("is the same object where there is nothing to change", () => {
    const value = { a: [{ b: "😀" }], c: null, d: 1 };
    expect(portable(value)).toBe(value);
  });

  it("has no half of a surrogate pair, in text, values or names", async () => {
    const { client } = await fleet(["A", () => ({ "a\ud800": ["b\udc00", "😀"] })]);
    const { text, structured } = await call(client, "delegate", { instances: ["A"] });
    expect(structured.result).toEqual({ "a\ufffd": ["b\ufffd", "😀"] });
    expect(text.isWellFormed()).toBe(true);
  });

  it("is nested no deeper than any client reads: what is within is text there", async () => {
    const { client } = await fleet(["A", () => lists(500)]);
    const { text, structured } = await call(client, "delegate", { instances: ["A"] });
    expect(text).toContain("[".repeat(500));
    const json = JSON.stringify(structured.result);
    expect(json).toMatch(/^\[+"\[+\]+"\]+$/);
    expect(json.indexOf('"')).toBeLessThan(100);
  });
});
