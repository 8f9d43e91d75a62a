import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundle } from "./bundle.ts";
import { keepReachableTypes } from "./reachable-types.ts";

// Builds dist/: the bundle by esbuild, the types of what src/index.ts exports by tsc.

const started = performance.now();
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
await rm("dist", { recursive: true, force: true });

const [{ files, bytes }] = await Promise.all([
  bundle({ main: "src/main.ts", index: "src/index.ts" }, "dist"),
  declarations(),
]);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`built dist/: ${files} files, ${(bytes / 1e6).toFixed(1)} MB, in ${seconds} s`);

async function declarations(): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [
      "node_modules/typescript/lib/tsc.js",
      "-p",
      "tsconfig.build.json",
    ]);
  } catch (error) {
    console.error((error as { stdout?: string }).stdout ?? error);
    process.exit(1);
  }
  await keepReachableTypes("dist/types");
}
