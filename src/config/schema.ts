import * as z from "zod";
import { duration, durationOrZero } from "../core/duration.ts";
import { instanceConfig, instanceUrl, nameSchema } from "../core/instance.ts";
import { SCOPES } from "../core/keys.ts";
import { DEFAULT_MCP_SETTINGS, MOST_RESULT_TOKENS } from "../core/mcp-settings.ts";

const tokens = z.number().int().min(0).max(MOST_RESULT_TOKENS);

/** What `config.json` may say. `{"instances":["A"],"timeout":5}` is a whole one. */
export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Who is meant where a call names nobody. */
  instances: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  /** The address book: instances by name. */
  fleet: z.record(nameSchema, instanceConfig).default({}),
  cluster: z
    .strictObject({
      url: instanceUrl.optional(),
      /** Hosts, without port, whose instances may register here. */
      allow: z.array(z.string().min(1)).optional(),
    })
    .default({}),
  /** Keys that `serve` accepts besides ORCHESTRATOR_API_KEY, as `orchestrator keys new` prints them. */
  keys: z
    .array(
      z.strictObject({
        name: nameSchema,
        hash: z.string().regex(/^sha256-[A-Za-z0-9_-]{43}$/, {
          error: "expected the hash that `orchestrator keys new` prints, not the key itself",
        }),
        scopes: z.array(z.enum(SCOPES)).min(1),
        requestsPerMinute: z.number().int().min(0).optional(),
      }),
    )
    .default([])
    .refine((keys) => new Set(keys.map(({ name }) => name)).size === keys.length, {
      error: "two keys have the same name",
    }),
  serve: z
    .strictObject({
      /** Of each key that has no limit of its own; 0 for any number. */
      requestsPerMinute: z.number().int().min(0).default(120_000),
      /** Names or addresses, without port, that a request's `Host` may carry besides the address. */
      hosts: z.array(z.string().min(1)).default([]),
      /** Origins whose web pages may call, such as https://app.example. */
      origins: z.array(z.url()).default([]),
    })
    .prefault({}),
  mcp: z
    .strictObject({
      /** A model that asks `*` has to confirm it where that is more than so many instances. */
      confirmAbove: z.number().int().min(0).optional(),
      resultTokens: tokens.default(DEFAULT_MCP_SETTINGS.resultTokens),
      instanceTokens: tokens.default(DEFAULT_MCP_SETTINGS.instanceTokens),
      /** Whether an answer links to the results that it had to cut. */
      resourceLinks: z.boolean().default(DEFAULT_MCP_SETTINGS.resourceLinks),
    })
    .prefault({}),
  timeout: duration.optional(),
  wait: durationOrZero.optional(),
  retries: z.number().int().min(0).max(10).optional(),
  healthInterval: duration.optional(),
  /** `normal`: what is stored survives the death of the process; `full`: the loss of power too, and costs more. */
  durability: z.enum(["normal", "full"]).default("normal"),
  /** What is kept of ended runs: whichever limit comes first. */
  retention: z
    .strictObject({
      age: duration.optional(),
      runs: z.number().int().min(1).optional(),
      bytes: z.number().int().min(1).optional(),
    })
    .default({}),
});

export type ConfigFile = z.output<typeof configSchema>;
