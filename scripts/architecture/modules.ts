import { readdir, readFile } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/** A source file as the rules see it. */
export interface Module {
  /** From the root on, with `/`: `core/errors.ts`. */
  file: string;
  lines: number;
  /** Every literal module name: of values and of types, static and dynamic; a relative one from the root on. */
  imports: string[];
  /** Calls the global `fetch`. */
  fetches: boolean;
  /** Writes to standard output. */
  prints: boolean;
}

/** Every TypeScript file under `root`. */
export async function readModules(root: string): Promise<Module[]> {
  const files = await typescriptFiles(root);
  return Promise.all(files.map(async (file) => parseModule(file, await readFile(join(root, file), "utf8"))));
}

/** The `.ts` files under `root`, from there on, with `/`, sorted. */
export async function typescriptFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true });
  return entries
    .filter((entry) => entry.endsWith(".ts"))
    .map((entry) => entry.split(sep).join("/"))
    .sort();
}

/** Reads one file's text; throws on a syntax error. */
export function parseModule(file: string, text: string): Module {
  const { program, module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);

  const names: string[] = [...module.staticImports.map((entry) => entry.moduleRequest.value)];
  for (const { entries } of module.staticExports) {
    names.push(...entries.flatMap((entry) => entry.moduleRequest?.value ?? []));
  }
  let fetches = false;
  let prints = false;
  new Visitor({
    ImportExpression({ source }) {
      if (source.type === "Literal" && typeof source.value === "string") names.push(source.value);
    },
    TSImportType({ source }) {
      names.push(source.value);
    },
    ImportDeclaration({ source, specifiers }) {
      const imported = specifiers.map(({ start, end }) => text.slice(start, end));
      if (/^(node:)?process$/.test(source.value)) prints ||= imported.some((name) => /^stdout\b/.test(name));
    },
    CallExpression({ callee }) {
      const name = text.slice(callee.start, callee.end);
      fetches ||= /^((globalThis|global)\.)?fetch$/.test(name);
      prints ||= /^console\.(log|info|debug|table|dir|group|count|timeEnd)$/.test(name);
    },
    MemberExpression({ start, end }) {
      prints ||= /^(globalThis\.)?process\.stdout$/.test(text.slice(start, end));
    },
  }).visit(program);

  const imports = [...new Set(names)].map((name) =>
    name.startsWith(".") ? posix.join(posix.dirname(file), name) : name,
  );
  return { file, lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0), imports, fetches, prints };
}
