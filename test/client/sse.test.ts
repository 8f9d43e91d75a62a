import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Message, SseReader } from "../../src/client/sse.ts";

const read = (chunks: Uint8Array[], limit = 10_000): Message[] => {
  const reader = new SseReader(limit);
  return chunks.flatMap((chunk) => reader.push(chunk));
};
const bytes = (text: string) => new TextEncoder().encode(text);

describe("server-sent events", () => {
  it.each<[string, string, Message[]]>([
    ["a whole one", "id: 1\nevent: e\ndata: x\n\n", [{ id: "1", event: "e", data: "x" }]],
    ["one without a name", "data:x\n\n", [{ id: "", event: "message", data: "x" }]],
    ["several lines of data", "data: a\ndata\ndata:  b\n\n", [{ id: "", event: "message", data: "a\n\n b" }]],
    ["an id that lasts", "id: 1\n\ndata: a\n\n", [{ id: "1", event: "message", data: "a" }]],
    ["no data, and so no event", "event: e\n\ndata: a\n\n", [{ id: "", event: "message", data: "a" }]],
    [
      "comments and fields of another kind",
      ": hi\nretry: 5\nx: y\ndata: a\n\n",
      [{ id: "", event: "message", data: "a" }],
    ],
    ["a byte order mark", "\ufeffdata: a\n\n", [{ id: "", event: "message", data: "a" }]],
    ["one that is not whole", "data: a\n\ndata: b\n", [{ id: "", event: "message", data: "a" }]],
  ])("are read: %s", (_, text, messages) => {
    expect(read([bytes(text)])).toEqual(messages);
    expect(read([bytes(text.replaceAll("\n", "\r\n"))])).toEqual(messages);
  });

  it("are the same in whatever pieces they come", () => {
    const message = fc.record({
      id: fc.stringMatching(/^[0-9a-f]{1,4}$/),
      event: fc.constantFrom("outcome", "end"),
      data: fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => JSON.stringify(text)),
    });
    const newline = fc.constantFrom("\n", "\r\n");
    fc.assert(
      fc.property(fc.array(message), newline, fc.array(fc.nat(300)), (messages, end, cuts) => {
        const lines = messages.flatMap(({ id, event, data }) => [
          `id: ${id}`,
          `event: ${event}`,
          `data: ${data}`,
          "",
          ":",
          "",
        ]);
        const all = bytes(lines.map((line) => line + end).join(""));
        const at = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        const pieces = at.slice(1).map((to, index) => all.subarray(at[index], to));
        expect(read(pieces)).toEqual(messages);
      }),
    );
  });

  it("are not kept beyond the limit", () => {
    const long = Array.from({ length: 20 }, () => bytes(`data: ${"x".repeat(50)}\n`));
    expect(() => read(long, 900)).toThrow("larger than 900");
    expect(() => read([bytes("x".repeat(901))], 900)).toThrow("larger than 900");
    expect(read([...long, bytes("\n")], 1_100)).toHaveLength(1);
  });
});
