import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readModules } from "./architecture/modules.ts";

/** tsc writes the declarations of all that is compiled: removes those that nobody reaches from `index.d.ts`. */
export async function keepReachableTypes(folder: string): Promise<void> {
  const modules = new Map((await readModules(folder)).map((module) => [module.file, module]));
  const reached = new Set<string>();
  const visit = (file: string) => {
    const module = modules.get(file);
    if (!module || reached.has(file)) return;
    reached.add(file);
    // They name each other as the sources do.
    for (const name of module.imports) visit(name.replace(/\.ts$/, ".d.ts"));
  };
  visit("index.d.ts");
  const unreached = [...modules.keys()].filter((file) => !reached.has(file));
  await Promise.all(unreached.map((file) => rm(join(folder, file))));
}
