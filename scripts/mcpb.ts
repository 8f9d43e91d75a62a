import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PACKAGE } from "./generate/server-json.ts";
import { mcpbManifest } from "./mcpb-manifest.ts";

// Makes the MCPB bundle, which clients such as Claude Desktop install by a double click: dist/, and libsql with its
// binaries. Needs the npm registry, and dist/.
//
//   npm run bundle:mcpb                        for every platform that such clients run on
//   npm run bundle:mcpb -- --here --out FILE   for this one alone

const MCPB = "@anthropic-ai/mcpb@2.1.2";
/** libsql's binaries, by Node's name of the platform; on each such clients run on these processors. */
const BINARIES: Record<string, string[]> = {
  darwin: ["darwin-arm64", "darwin-x64"],
  linux: ["linux-x64-gnu"],
  win32: ["win32-x64-msvc"],
};

const { values } = parseArgs({
  options: {
    here: { type: "boolean", default: false },
    out: { type: "string", default: `orchestrator-${PACKAGE.version}.mcpb` },
  },
});
const out = resolve(values.out);
process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const folder = mkdtempSync(join(tmpdir(), "orchestrator-mcpb-"));
try {
  const platforms = values.here ? [process.platform] : Object.keys(BINARIES);
  writeJson("manifest.json", mcpbManifest(platforms));
  const { name, version, license, dependencies } = PACKAGE;
  writeJson("package.json", { name, version, license, type: "module", dependencies });
  for (const file of ["LICENSE", ...programs()]) cpSync(file, join(folder, file));
  install("--omit=optional");
  // Those of another platform are refused unless npm is forced.
  install("--omit=optional", "--no-save", "--force", ...binaries(platforms));
  execFileSync("npx", ["--yes", MCPB, "pack", folder, out], { stdio: ["ignore", "ignore", "inherit"] });
  console.log(`made ${out}, ${(statSync(out).size / 1e6).toFixed(1)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What of dist/ a server needs. */
function programs(): string[] {
  return readdirSync("dist")
    .filter((file) => /\.(js|txt)$/.test(file))
    .map((file) => join("dist", file));
}

/** In the versions that libsql asks for. */
function binaries(platforms: string[]): string[] {
  const { optionalDependencies } = JSON.parse(readFileSync("node_modules/libsql/package.json", "utf8"));
  return platforms
    .flatMap((platform) => BINARIES[platform] ?? [])
    .map((name) => `@libsql/${name}@${optionalDependencies[`@libsql/${name}`]}`);
}

function install(...args: string[]): void {
  const quiet = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["install", ...quiet, ...args], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function writeJson(name: string, value: object): void {
  writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}
