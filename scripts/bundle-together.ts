import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Metafile, Plugin } from "esbuild";

/** It imports nothing by itself: what comes with it would be compiled anew at each start. */
const MAIN = "src/main.ts";
/** What the server on stdio is started with. */
const START = ["src/app/actions.ts", "src/app/mcp.ts", "src/cli/run-until-stopped.ts"];

/**
 * Has the small modules of the start written as one file. A module gets a file by which entries reach it, so what
 * many reach in many ways is scattered over a score of files, and to find and open each takes half a millisecond. So
 * every entry imports them: they are some 60 kB, and most commands need most of them.
 */
export function together({ inputs, outputs }: Metafile): Plugin {
  const entries = Object.values(outputs).flatMap(({ entryPoint }) => entryPoint ?? []);
  const small = [...reached(inputs, START)].filter(
    (module) => module.startsWith("src/") && !entries.includes(module) && isSmall(inputs, module),
  );
  const imports = small.map((module) => `import ${JSON.stringify(resolve(module))};`).join("\n");
  const paths = new Set(
    entries.filter((entry) => entry.endsWith(".ts") && entry !== MAIN).map((entry) => resolve(entry)),
  );
  return {
    name: "small modules together",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        if (!paths.has(path)) return undefined;
        return { contents: `${await readFile(path, "utf8")}\n${imports}`, loader: "ts" };
      });
    },
  };
}

/** Nothing of a package comes with it. */
function isSmall(inputs: Metafile["inputs"], module: string): boolean {
  return [...reached(inputs, [module])].every((each) => each.startsWith("src/"));
}

function reached(inputs: Metafile["inputs"], from: readonly string[]): Set<string> {
  const found = new Set(from.filter((module) => module in inputs));
  for (const module of found) {
    for (const { path, kind, external } of inputs[module]?.imports ?? [])
      if (kind === "import-statement" && !external) found.add(path);
  }
  return found;
}
