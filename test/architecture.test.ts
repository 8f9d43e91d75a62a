import { describe, expect, it } from "vitest";
import { LAYERS } from "../scripts/architecture/layers.ts";
import { parseModule, readModules, typescriptFiles } from "../scripts/architecture/modules.ts";
import {
  houseProblems,
  importCycles,
  layerProblems,
  MAX_LINES,
  mirrorProblems,
} from "../scripts/architecture/rules.ts";

const modules = await readModules("src");

describe("the source tree", () => {
  it("has files to check, in every layer's reach", () => {
    expect(modules.length).toBeGreaterThan(10);
    expect(modules.flatMap((module) => module.imports)).toContain("zod");
  });

  it("imports downward only, and each layer only its own packages", () => {
    expect(layerProblems(modules)).toEqual([]);
  });

  it("has no cycle of imports, not even of types", () => {
    expect(importCycles(modules)).toEqual([]);
  });

  it(`keeps files at ${MAX_LINES} lines, HTTP in undici, and stdout to main and cli`, () => {
    expect(houseProblems(modules)).toEqual([]);
  });

  it("is mirrored by the folders of the tests", async () => {
    expect(mirrorProblems(await typescriptFiles("test"), await typescriptFiles("src"))).toEqual([]);
  });
});

describe("the checker", () => {
  const problems = (file: string, text: string, ...others: string[]) =>
    layerProblems([parseModule(file, text), ...others.map((other) => parseModule(other, ""))]);

  it.each([
    ["a value", 'import { x } from "../engine/x.ts";'],
    ["a type", 'import type { X } from "../engine/x.ts";'],
    ["a type among values", 'import { type X } from "../engine/x.ts";'],
    ["a side effect", 'import "../engine/x.ts";'],
    ["a re-export", 'export { x } from "../engine/x.ts";'],
    ["a re-export of all", 'export * from "../engine/x.ts";'],
    ["a dynamic import", 'const x = await import("../engine/x.ts");'],
    ["a type named in place", 'type X = import("../engine/x.ts").X;'],
  ])("sees %s imported upward", (_, text) => {
    expect(problems("core/a.ts", text, "engine/x.ts")).toEqual([
      "core/a.ts: core may not import engine (engine/x.ts)",
    ]);
  });

  it.each([
    ["engine/a.ts", 'import "../core/x.ts"; import "./y.ts"; import "node:crypto";'],
    ["host/a.ts", 'import "../server/z.ts"; import "node:fs"; import "fastify";'],
    ["mcp/a.ts", 'import "@modelcontextprotocol/server/stdio";'],
  ])("lets %s import what its layer may", (file, text) => {
    expect(problems(file, text, "core/x.ts", "engine/y.ts", "server/z.ts")).toEqual([]);
  });

  it.each([
    ["core/a.ts", 'import "undici";', "core/a.ts: core may not import the package undici"],
    ["core/a.ts", 'import "node:fs";', "core/a.ts: core may not import node:fs"],
    ["engine/a.ts", 'import "node:http";', "engine/a.ts: engine may not import node:http"],
    ["store/a.ts", 'import "../b.ts";', "store/a.ts: imports b.ts, which does not exist"],
    ["store/a.ts", 'import "../../b.ts";', "store/a.ts: imports ../b.ts, which is outside src"],
    ["misc/a.ts", "", 'misc/a.ts: "misc" is no layer of scripts/architecture/layers.ts'],
  ])("refuses what %s imports with %s", (file, text, problem) => {
    expect(problems(file, text)).toEqual([problem]);
  });

  it("finds a cycle, through types too, and names the files along it", () => {
    const cycle = [
      parseModule("core/a.ts", 'import "./b.ts";'),
      parseModule("core/b.ts", 'import type { C } from "./c.ts";'),
      parseModule("core/c.ts", 'import "./b.ts";'),
    ];
    expect(importCycles(cycle)).toEqual([["core/b.ts", "core/c.ts", "core/b.ts"]]);
  });

  it.each(["fetch(url)", "await globalThis.fetch(url)"])("finds the global fetch in %s", (text) => {
    expect(houseProblems([parseModule("instances/a.ts", text)])).toHaveLength(1);
    expect(houseProblems([parseModule("instances/a.ts", "client.fetch(url)")])).toEqual([]);
  });

  it.each(["console.log(1)", "process.stdout.write(x)", 'import { stdout } from "node:process";'])(
    "finds that %s writes to stdout, outside cli and main",
    (text) => {
      expect(houseProblems([parseModule("mcp/a.ts", text)])).toHaveLength(1);
      expect(houseProblems([parseModule("cli/a.ts", text)])).toEqual([]);
    },
  );

  it("counts lines", () => {
    expect(houseProblems([parseModule("core/a.ts", "x;\n".repeat(MAX_LINES))])).toEqual([]);
    expect(houseProblems([parseModule("core/a.ts", "x;\n".repeat(MAX_LINES + 1))])).toEqual([
      `core/a.ts: ${MAX_LINES + 1} lines, more than ${MAX_LINES}`,
    ]);
  });

  it("finds tests without a counterpart", () => {
    const sources = ["main.ts", "core/a.ts"];
    expect(
      mirrorProblems(["core/b.test.ts", "main.test.ts", "e2e/x.test.ts", "support/fleet.ts"], sources),
    ).toEqual([]);
    expect(mirrorProblems(["cor/a.test.ts", "other.test.ts"], sources)).toHaveLength(2);
  });

  it("has a table of layers in which each imports only those further down", () => {
    const order = Object.keys(LAYERS);
    const upward = order.filter((name, place) =>
      LAYERS[name]?.layers.some((target) => order.indexOf(target) <= place),
    );
    expect(upward).toEqual([]);
  });
});
