import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

// Public types name no third-party type: a strict program that has this package and Node's types alone must
// compile, with every declaration file checked.

const TSC = resolve("node_modules/typescript/lib/tsc.js");
const OPTIONS = [
  "--strict",
  "--noEmit",
  "--skipLibCheck",
  "false",
  "--module",
  "nodenext",
  "--target",
  "es2023",
];

const consumer = await mkdtemp(join(tmpdir(), "orchestrator-types-"));
try {
  const installed = join(consumer, "node_modules", "orchestrator-mcp");
  await mkdir(join(consumer, "node_modules", "@types"), { recursive: true });
  await cp("dist/types", join(installed, "dist", "types"), { recursive: true });
  await cp("package.json", join(installed, "package.json"));
  await symlink(resolve("node_modules/@types/node"), join(consumer, "node_modules/@types/node"), "junction");
  await writeFile(join(consumer, "package.json"), '{"type":"module"}');
  await writeFile(join(consumer, "consumer.ts"), 'export * from "orchestrator-mcp";\n');

  const args = [TSC, ...OPTIONS, "--types", "node", "consumer.ts"];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: consumer, encoding: "utf8" });
  console.log(
    status === 0 ? "the public types stand on their own" : `the public types need more:\n${stdout}`,
  );
  process.exitCode = status === 0 ? 0 : 1;
} finally {
  await rm(consumer, { recursive: true, force: true });
}
