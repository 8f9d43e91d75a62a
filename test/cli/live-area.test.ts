import { describe, expect, it } from "vitest";
import { LiveArea } from "../../src/cli/live-area.ts";

/** A terminal that keeps what it was sent. */
function terminal(size: { columns: number; rows: number }) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { written, stream: { ...size, write } as unknown as NodeJS.WriteStream };
}

describe("lines that are written over", () => {
  it("are drawn where they were before, and taken away", () => {
    const { written, stream } = terminal({ columns: 80, rows: 24 });
    const area = new LiveArea(stream);
    area.draw(["one", "two"]);
    area.draw(["three"]);
    area.clear();
    area.clear();
    expect(written).toEqual(["one\ntwo\n", "\r\u001b[2A\u001b[Jthree\n", "\r\u001b[1A\u001b[J"]);
  });

  it("are never wider or more than the terminal has room for", () => {
    const { written, stream } = terminal({ columns: 10, rows: 4 });
    const area = new LiveArea(stream);
    area.draw(["a".repeat(20), "b", "c", "d", "e"], (line) => `<${line}>`);
    expect(written).toEqual(["<aaaaaaaaa>\n<b>\n<… and 3 l>\n"]);
    area.draw(["x"]);
    expect(written[1]).toContain("[3A");
  });
});
