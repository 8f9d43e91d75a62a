import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listedTools } from "../support/listed-tools.ts";
import { type Packed, pack } from "../support/pack.ts";
import { freshEnv } from "../support/program.ts";

const run = promisify(execFile);

let folder: string;
let packed: Packed;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestrator-package-"));
  packed = await pack(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the package, as npm has it", () => {
  it("starts once it is installed for all folders, under both of its names", async () => {
    const prefix = join(folder, "prefix");
    await run("npm", ["install", "--global", "--prefix", prefix, "--no-audit", "--no-fund", packed.file]);
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    const env = await freshEnv();
    for (const name of ["orchestrator", "orchestrator-mcp"]) {
      const program = join(prefix, "bin", name);
      expect((await run(program, ["--version"], { env, cwd: folder })).stdout).toBe(`${version}\n`);
      expect(await listedTools({ command: program, args: [], env })).toContain("fanout");
    }
  });

  it("starts with npx, from its file", async () => {
    const env = await freshEnv();
    // npx takes a path for a package only if it begins with a dot.
    const launch = { command: "npx", args: ["--yes", `./${basename(packed.file)}`], env, cwd: folder };
    expect(await listedTools(launch)).toContain("fanout");
  });
});
