import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";

// Of some packages nearly everything comes along though we use little of it. In the bundle these modules have other
// sources, which leave out what no code of ours reaches: a megabyte and a half. The tests of dist/ run against them.

/** Compilers of fastify's route schemas, which no route of ours has: requests are read with zod. */
const NO_ROUTE_SCHEMAS = `
  module.exports = () => () => { throw new Error("Routes have no schemas here."); };`;

/** By what is imported. */
const MODULES: Record<string, string> = {
  // Neither fetch nor caches, mocks, proxies and web sockets.
  undici: `
    const Dispatcher = require("undici/lib/dispatcher/dispatcher.js");
    Object.assign(Dispatcher.prototype, require("undici/lib/api/index.js"));
    exports.Pool = require("undici/lib/dispatcher/pool.js");`,
  "@fastify/ajv-compiler": NO_ROUTE_SCHEMAS,
  "@fastify/fast-json-stringify-compiler": NO_ROUTE_SCHEMAS,
  // Requests without a socket, for tests.
  "light-my-request": `module.exports = () => { throw new Error("Requests need a socket here."); };`,
  // Subnets of callers, where nobody says what a caller is: limits.ts does.
  "ip-address": `exports.Address6 = class { constructor() { throw new Error("Subnets are not known here."); } };`,
  // The smaller one of the SDK's own two validators, which look at what a person fills in.
  "@modelcontextprotocol/server/_shims": `
    export { CfWorkerJsonSchemaValidator as DefaultJsonSchemaValidator } from "@modelcontextprotocol/server/validators/cf-worker";
    export { default as process } from "node:process";`,
};

/** By the end of their path. */
const FILES: Record<string, string> = {
  // Messages in English alone.
  "zod/v4/locales/index.js": 'export { default as en } from "./en.js";',
  // Bodies that are forms: ours are bytes and text.
  "undici/lib/web/fetch/body.js": "",
};

interface Edit {
  file: RegExp;
  from: RegExp;
  to: string;
}

/**
 * The MCP SDK makes a thousand schemas as it is loaded, of which a server needs a score: so each may be left out where
 * nothing names it, and the list that names them all, for those who import it, stays empty.
 */
const EDITS: readonly Edit[] = [
  {
    file: /@modelcontextprotocol\/core\/dist\/(schemas|auth)-.*\.mjs$/,
    from: /^const (\w+Schema) = ([\s\S]+?);\n+(?=const |function |export |\/)/gm,
    to: "const $1 = /* @__PURE__ */ (() => $2)();\n",
  },
  {
    file: /@modelcontextprotocol\/server\/dist\/src-.*\.mjs$/,
    from: /^for \(const .*\) register\(.*$/gm,
    to: "",
  },
];

const namesOf = (modules: object) =>
  new RegExp(`^(${Object.keys(modules).join("|").replaceAll("/", "\\/")})$`);

export const trims: Plugin = {
  name: "trims",
  setup(build) {
    build.onResolve({ filter: namesOf(MODULES) }, ({ path, resolveDir }) => ({
      path,
      namespace: "trimmed",
      pluginData: resolveDir,
    }));
    build.onLoad({ filter: /.*/, namespace: "trimmed" }, ({ path, pluginData: resolveDir }) => ({
      contents: MODULES[path],
      resolveDir,
    }));
    for (const { file, from, to } of EDITS) {
      build.onLoad({ filter: file }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        const contents = text.replaceAll(from, to);
        if (contents === text) throw new Error(`${path}: nothing found of ${from}.`);
        return { contents, resolveDir: dirname(path) };
      });
    }
    for (const [end, contents] of Object.entries(FILES)) {
      const filter = new RegExp(`/node_modules/${end.replaceAll(".", "\\.")}$`);
      build.onLoad({ filter }, ({ path }) => ({ contents, resolveDir: dirname(path) }));
    }
  },
};
