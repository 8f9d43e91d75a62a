import { posix } from "node:path";
import { LAYERS, type Layer, layerOf } from "./layers.ts";
import type { Module } from "./modules.ts";

export const MAX_LINES = 250;
const MAY_PRINT = new Set(["main", "cli"]);
const TEST_FOLDERS_WITHOUT_MIRROR = new Set(["chaos", "e2e", "judges", "support"]);

/** Imports that do not run downward, and packages that a layer has no business with. One sentence each. */
export function layerProblems(modules: Module[]): string[] {
  const known = new Set(modules.map((module) => module.file));
  return modules.flatMap(({ file, imports }) => {
    const layer = LAYERS[layerOf(file)];
    if (!layer) return [`${file}: "${layerOf(file)}" is no layer of scripts/architecture/layers.ts`];
    return imports.flatMap((name) => importProblem(file, layer, name, known) ?? []);
  });
}

function importProblem(file: string, layer: Layer, name: string, known: Set<string>): string | undefined {
  const own = layerOf(file);
  if (name.startsWith("node:")) {
    const allowed = layer.node === "any" || layer.node.includes(name);
    return allowed ? undefined : `${file}: ${own} may not import ${name}`;
  }
  if (name.startsWith("../")) return `${file}: imports ${name}, which is outside src`;
  if (known.has(name)) {
    const target = layerOf(name);
    const allowed = target === own || layer.layers.includes(target);
    return allowed ? undefined : `${file}: ${own} may not import ${target} (${name})`;
  }
  if (name.endsWith(".ts")) return `${file}: imports ${name}, which does not exist`;
  const packageName = name.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? name;
  return layer.packages.includes(packageName)
    ? undefined
    : `${file}: ${own} may not import the package ${packageName}`;
}

/** Each cycle of imports once, as the files along it. */
export function importCycles(modules: Module[]): string[][] {
  const imports = new Map(modules.map((module) => [module.file, module.imports]));
  const finished = new Set<string>();
  const cycles: string[][] = [];
  const walk = (file: string, path: string[]): void => {
    const seenAt = path.indexOf(file);
    if (seenAt >= 0) cycles.push([...path.slice(seenAt), file]);
    if (seenAt >= 0 || finished.has(file)) return;
    for (const target of imports.get(file) ?? []) walk(target, [...path, file]);
    finished.add(file);
  };
  for (const { file } of modules) walk(file, []);
  return cycles;
}

/** Files that are too long, call the global fetch, or write to standard output where that is not theirs. */
export function houseProblems(modules: Module[]): string[] {
  return modules.flatMap(({ file, lines, fetches, prints }) => [
    ...(lines > MAX_LINES ? [`${file}: ${lines} lines, more than ${MAX_LINES}`] : []),
    ...(fetches
      ? [`${file}: calls the global fetch; the clients in instances/ and cluster/ use undici`]
      : []),
    ...(prints && !MAY_PRINT.has(layerOf(file))
      ? [`${file}: writes to stdout, which belongs to main and cli`]
      : []),
  ]);
}

/** Test files whose folder has no counterpart in `src/`. Both lists are given from `test/` and `src/` on. */
export function mirrorProblems(tests: string[], sources: string[]): string[] {
  const folders = new Set(sources.map((file) => posix.dirname(file)));
  const topLevel = new Set([
    ...sources.map((file) => file.replace(/\.ts$/, ".test.ts")),
    "architecture.test.ts",
    "docs.test.ts",
  ]);
  return tests
    .filter((test) => test.endsWith(".test.ts"))
    .filter((test) => {
      const folder = posix.dirname(test);
      if (folder === ".") return !topLevel.has(test);
      return !folders.has(folder) && !TEST_FOLDERS_WITHOUT_MIRROR.has(layerOf(test));
    })
    .map((test) => `test/${test}: src/${posix.dirname(test)} has no such part`);
}
