/** What the files of one layer of `src/` may import. */
export interface Layer {
  /** Layers below, besides the layer itself. */
  layers: readonly string[];
  packages: readonly string[];
  /** Modules of Node; "any" where the layer's business is I/O. */
  node: readonly string[] | "any";
}

const PARTS = [
  "cli",
  "mcp",
  "http",
  "client",
  "engine",
  "policy",
  "instances",
  "store",
  "cluster",
  "config",
  "host",
  "server",
  "core",
];

/** The layers of `src/`, by folder or by the name of a file beside them, from the top down. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  main: { layers: ["app", ...PARTS], packages: ["commander", "pino"], node: "any" },
  index: { layers: ["app", "client", "config", "host", "core"], packages: [], node: [] },
  app: { layers: PARTS, packages: ["env-paths", "pino", "zod"], node: "any" },

  cli: { layers: ["engine", "core"], packages: ["commander", "zod"], node: "any" },
  mcp: { layers: ["engine", "core"], packages: ["@modelcontextprotocol/server", "zod"], node: "any" },
  http: {
    layers: ["engine", "cluster", "server", "core"],
    packages: ["@fastify/cors", "fastify", "zod"],
    node: "any",
  },
  client: { layers: ["core"], packages: ["undici", "zod"], node: "any" },

  engine: {
    layers: ["policy", "core"],
    packages: ["json-p3", "p-retry"],
    node: [
      "node:async_hooks",
      "node:crypto",
      "node:events",
      "node:perf_hooks",
      "node:timers",
      "node:timers/promises",
      "node:util",
    ],
  },
  policy: { layers: ["core"], packages: [], node: [] },

  instances: {
    layers: ["core"],
    packages: ["@a2a-js/sdk", "eventsource-parser", "undici", "zod"],
    node: "any",
  },
  store: { layers: ["core"], packages: ["env-paths", "libsql", "zod"], node: "any" },
  cluster: { layers: ["core"], packages: ["undici", "zod"], node: "any" },
  config: { layers: ["core"], packages: ["env-paths", "zod"], node: "any" },
  host: {
    layers: ["server", "core"],
    packages: ["fastify", "ignore", "minisearch", "undici", "zod"],
    node: "any",
  },
  server: { layers: ["core"], packages: ["@fastify/rate-limit", "fastify", "zod"], node: "any" },

  core: { layers: [], packages: ["zod"], node: ["node:crypto"] },
};

/** The layer of a file, given from `src/` on: `core/errors.ts` is `core`, `main.ts` is `main`. */
export function layerOf(file: string): string {
  const slash = file.indexOf("/");
  return slash < 0 ? file.replace(/\.ts$/, "") : file.slice(0, slash);
}
