import { describe, expect, it } from "vitest";
import { chooseTools } from "../../src/mcp/choose-tools.ts";

const names = (choice: Parameters<typeof chooseTools>[0]) => chooseTools(choice).map(({ name }) => name);

describe("the tools that a server shows", () => {
  it("are those that are named, those that only read, or both", () => {
    expect(names({ only: ["fanout", "health"] })).toEqual(["health", "fanout"]);
    const readers = ["health", "sessions_history", "sessions_list", "runs_get", "runs_list"];
    expect(names({ readOnly: true })).toEqual(readers);
    expect(names({ only: ["fanout", "health"], readOnly: true })).toEqual(["health"]);
    expect(names({})).toHaveLength(13);
  });

  it("are refused where a name is wrong or none is left", () => {
    expect(() => chooseTools({ only: ["fanuot"] })).toThrow("there is no tool fanuot. Did you mean fanout?");
    expect(() => chooseTools({ only: ["fanout"], readOnly: true })).toThrow("none is read-only");
  });
});
