import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { together } from "./bundle-together.ts";
import { trims } from "./bundle-trims.ts";
import { licenceTexts } from "./licences.ts";

// fastify, commander and pino are CommonJS and call `require` for Node's own modules.
const REQUIRE_BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/**
 * The MCP SDK has its HTTP transports in its main module. What serves HTTP gets that module as one of its own, so that
 * the server on stdio, whose start is waited for, does not load them.
 */
const HTTP_APART: Plugin = {
  name: "MCP over HTTP apart",
  setup({ onResolve, resolve }) {
    onResolve(
      { filter: /^@modelcontextprotocol\/server$/ },
      async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === HTTP_APART || !/[\\/]mcp[\\/]http[\w-]*\.ts$/.test(importer)) return undefined;
        return {
          ...(await resolve(path, { kind, resolveDir, importer, pluginData: HTTP_APART })),
          suffix: "?http",
        };
      },
    );
  },
};

/** The list of tools is made once, here: a client that starts us waits for no schema to be derived. */
const TOOLS_LISTED: Plugin = {
  name: "tools as they are listed",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]mcp[\\/]listed\.ts$/ }, async ({ path }) => {
      const { LISTED } = (await import(path)) as { LISTED: object };
      return { contents: `export const LISTED = ${JSON.stringify(LISTED)};`, loader: "js" };
    });
  },
};

/** What was written: `files` and `bytes` count the JavaScript alone. */
export interface Bundle {
  files: number;
  bytes: number;
  metafile: Metafile;
}

/**
 * Bundles `entryPoints` (name in `outdir` -> source file) into ESM that shares its chunks, so that a command loads
 * only what it imports. Names and line breaks are kept: a stack trace can be read without a source map.
 * All files lie side by side in `outdir`: from each of them, `./main.js` is the bin and `../package.json` the package.
 */
export async function bundle(entryPoints: Record<string, string>, outdir: string): Promise<Bundle> {
  const options: BuildOptions & { metafile: true } = {
    entryPoints,
    outdir,
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.18",
    external: ["libsql"],
    banner: { js: REQUIRE_BANNER },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  };
  const plugins = [HTTP_APART, TOOLS_LISTED, trims];
  const scattered = await build({ ...options, plugins, write: false });
  const { metafile } = await build({ ...options, plugins: [together(scattered.metafile), ...plugins] });
  if (entryPoints.main) await makeExecutable(join(outdir, "main.js"));
  await writeFile(join(outdir, "LICENCES.txt"), await licenceTexts(Object.keys(metafile.inputs)));
  const sizes = Object.values(metafile.outputs).map((output) => output.bytes);
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0), metafile };
}

async function makeExecutable(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  if (!text.startsWith("#!")) await writeFile(file, `#!/usr/bin/env node\n${text}`);
  await chmod(file, 0o755);
}
