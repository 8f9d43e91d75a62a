import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitSections } from "../../../src/host/workers/sections.ts";

const split = (text: string, path = "docs/a.md") => splitSections({ path, text });
const titles = (text: string) => split(text).map(({ title }) => title);

describe("Markdown", () => {
  it("is split at its headings; what precedes the first is named after the file", () => {
    expect(split("intro\n\n# One\nfirst\n## Two ##\r\nsecond\nmore\n")).toEqual([
      { id: "docs/a.md#1", path: "docs/a.md", title: "a.md", text: "intro" },
      { id: "docs/a.md#one", path: "docs/a.md", title: "One", text: "first" },
      { id: "docs/a.md#two", path: "docs/a.md", title: "Two", text: "second\nmore" },
    ]);
  });

  it("keeps a heading with nothing under it, and no section where there is nothing at all", () => {
    expect(titles("# Only\n\n# Both\n")).toEqual(["Only", "Both"]);
    expect(split("")).toEqual([]);
    expect(split("\n\n")).toEqual([]);
    expect(split("#\n\n#\n")).toEqual([]);
  });

  it.each([
    ["backticks", "```sh\n# comment\n```"],
    ["tildes", "~~~\n# comment\n~~~"],
    ["a longer fence around a shorter one", "````\n```\n# comment\n```\n````"],
    ["tildes around backticks", "~~~\n```\n# comment\n~~~"],
    ["a fence that ends with something else", "```\n``` js\n# comment\n```"],
    ["a fence that never ends", "```\n# comment"],
  ])("takes no comment in code for a heading: %s", (_, code) => {
    expect(titles(`# Real\n${code}`)).toEqual(["Real"]);
  });

  it("finds the headings after a fence has ended, and after what only looks like one", () => {
    expect(titles("# Before\n```\nx\n```\n# After\n``` a`b\n# Inline")).toEqual([
      "Before",
      "After",
      "Inline",
    ]);
    expect(titles("# Before\n```\nx\n`````  \n# After a longer end")).toEqual([
      "Before",
      "After a longer end",
    ]);
  });

  it("knows a heading from what is none", () => {
    expect(titles("   # Indented by three\n    # code\n#hashtag\n####### seven\n###### Six")).toEqual([
      "Indented by three",
      "Six",
    ]);
  });

  it("has titles without the marks of links and images", () => {
    expect(titles("# ![logo](l.png) [Name](http://x) and [Ref][1]\n# C#\n# Shell `#!` #")).toEqual([
      "Name and Ref",
      "C#",
      "Shell `#!`",
    ]);
  });

  it("numbers ids that would be equal or empty", () => {
    const ids = split("# Foo\n# Foo\n# Foo 1\n# !!!\n# ???\n# Über uns").map(({ id }) => id.split("#")[1]);
    expect(ids).toEqual(["foo", "foo-1", "foo-1-1", "1", "2", "über-uns"]);
  });

  it("has unique ids that are the same the next time, and loses no word", () => {
    const line = fc.constantFrom("# A", "# a", "## A 1", "#", "# 1", "```", "~~~~", "text", "", "# B #");
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join("\n");
        const sections = split(text);
        const ids = sections.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(split(text)).toEqual(sections);
        const words = (value: string) => value.match(/text/g)?.length ?? 0;
        expect(words(sections.map((section) => section.text).join("\n"))).toBe(words(text));
      }),
    );
  });
});

describe("other text", () => {
  it("is one section when it is short", () => {
    expect(split("one\n# two\n", "src/a.ts")).toEqual([
      { id: "src/a.ts#1", path: "src/a.ts", title: "a.ts", text: "one\n# two" },
    ]);
    expect(split(" \n\n", "src/a.ts")).toEqual([]);
  });

  it("is cut into pieces of 200 lines", () => {
    const lines = Array.from({ length: 401 }, (_, n) => `line ${n + 1}`);
    const sections = split(lines.join("\n"), "long.log");
    expect(sections.map(({ id, title }) => [id, title])).toEqual([
      ["long.log#1", "long.log, lines 1 to 200"],
      ["long.log#2", "long.log, lines 201 to 400"],
      ["long.log#3", "long.log, lines 401 to 401"],
    ]);
    expect(sections.map(({ text }) => text).join("\n")).toBe(lines.join("\n"));
  });
});
