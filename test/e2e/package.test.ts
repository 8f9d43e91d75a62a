import { execFile } from "node:child_process";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { listedTools } from "../support/listed-tools.ts";
import { links } from "../support/markdown.ts";
import { pack } from "../support/pack.ts";
import { freshEnv, NODE, tempFolder } from "../support/program.ts";

const run = promisify(execFile);

/** What a package is for, and nothing else. */
const KINDS = [
  /^dist\/[\w-]+\.js$/,
  /^dist\/types\/[\w/-]+\.d\.ts$/,
  /^(dist\/LICENCES\.txt|LICENSE|package\.json|README\.md|CHANGELOG\.md|SKILL\.md)$/,
  /^docs\/[\w-]+\.md$/,
  /^skill\/(references|scripts)\/[\w/.-]+\.(md|json|py)$/,
  /^examples\/[\w-]+\.mjs$/,
];

describe("the package", () => {
  it("is small, and has nothing but programs, types, the skill and the documents", async () => {
    const { size, unpackedSize, files } = await pack(await tempFolder());
    expect(files.filter((file) => !KINDS.some((kind) => kind.test(file)))).toEqual([]);
    expect(size).toBeLessThan(1_000_000);
    expect(unpackedSize).toBeLessThan(4_500_000);
    expect(files.length).toBeLessThan(200);
  });

  it("has what its documents lead to, and starts with its one dependency beside it", async () => {
    const folder = await tempFolder();
    const { file, files } = await pack(folder);
    await run("tar", ["-xzf", file, "-C", folder]);
    const unpacked = join(folder, "package");
    for (const page of files.filter((each) => /^(SKILL\.md|docs\/|skill\/).*\.md$|^SKILL\.md$/.test(each))) {
      const targets = links(await readFile(join(unpacked, page), "utf8")).map(
        (target) => target.split("#")[0] ?? "",
      );
      const inside = targets.filter((target) => target !== "" && !target.endsWith("CONTRIBUTING.md"));
      for (const target of inside) await readFile(join(unpacked, dirname(page), target));
    }

    await mkdir(join(folder, "node_modules"));
    await symlink(resolve("node_modules/libsql"), join(folder, "node_modules/libsql"), "junction");
    const env = await freshEnv();
    const program = join(unpacked, "dist", "main.js");
    const { stdout } = await run(NODE, [program, "--version"], { env });
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    expect(stdout).toBe(`${version}\n`);
    expect(await listedTools({ command: NODE, args: [program], env })).toContain("fanout");
  });
});
