import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.ts";
import { memoryStaysFlat } from "./memory.ts";
import { startsFast } from "./start-up.ts";

// Measured is what is shipped: code bundled as dist/ is, not what a loader makes of it at run time.

const folder = (name: string) => fileURLToPath(new URL(name, import.meta.url));
// Below the package, so that what stays outside of the bundle is found.
const out = await mkdtemp(folder("../node_modules/.bench-"));
try {
  const programs = ["suite", "instance", "aggregate-memory", "aggregate-instance"];
  await bundle(Object.fromEntries(programs.map((name) => [name, folder(`${name}.ts`)])), out);
  const suite = spawn(process.execPath, [`${out}/suite.js`], { stdio: "inherit" });
  const [code] = await once(suite, "exit");
  const isFlat = await memoryStaysFlat(out);
  const isQuick = await startsFast();
  process.exitCode = code || (isFlat && isQuick ? 0 : 1);
} finally {
  await rm(out, { recursive: true, force: true });
}
