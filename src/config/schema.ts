import { z } from "zod";
import { duration, durationOrZero } from "../core/duration.ts";
import { instanceConfig, instanceUrl, nameSchema } from "../core/instance.ts";

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
