import * as z from "zod";
import { duration } from "./duration.ts";
import type { JsonObject } from "./json.ts";
import { PROTOCOLS, type Protocol } from "./protocol.ts";
import { shortened } from "./quote.ts";
import { json } from "./request-fields.ts";

/** Names of instances, sessions and skills. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const nameSchema = z.string().regex(NAME, {
  error: "expected 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit",
});

/** Where the credential of an instance comes from; the secret itself is read when it is needed. */
export type CredentialRef =
  | { from: "env"; name: string }
  | { from: "file"; path: string }
  /** HMAC of the fleet key over name and origin, for instances that the cluster listed. */
  | { from: "fleet" };

/** A named endpoint that does work. */
export interface Instance {
  name: string;
  url: string;
  /** Scheme, host and port of `url`: health, sessions and credentials belong to name and origin. */
  origin: string;
  protocol: Protocol;
  tags: string[];
  /** How many tasks of one process may be there at once; 64 unless told otherwise. */
  maxConcurrency?: number;
  credential?: CredentialRef;
  settings?: InstanceSettings;
  /** Whether it stands in the configuration or was listed by the cluster. */
  source: "config" | "cluster";
}

/** What its protocol is told besides; sizes are tokens, times milliseconds. */
export interface InstanceSettings {
  /** `openclaw`: the agent to ask. */
  agent?: string;
  /** `openai`: the model to ask for; `openclaw`: one in the place of the agent's own. */
  model?: string;
  /** `openclaw`, `openai`: what the model is told before everything else. */
  system?: string;
  /** `openai`: which of its two calls is made; found out unless given. */
  api?: OpenAiApi;
  /** `openclaw`, `openai`: how much of a session is replayed. */
  contextTokens?: number;
  /** `openai`: further fields of the request, such as `temperature`. */
  parameters?: JsonObject;
  /** What is sent, with `{{prompt}}` where the payload goes. */
  template?: string;
  /** How long the instance may be silent before it is given up. */
  idleTimeoutMs?: number;
}

/** `/chat/completions` or `/responses`. */
export const OPENAI_APIS = ["chat", "responses"] as const;
export type OpenAiApi = (typeof OPENAI_APIS)[number];

const ids = new WeakMap<object, string>();

/** The identity that health, breaker and session ownership belong to. */
export function instanceId(instance: Pick<Instance, "name" | "origin">): string {
  let id = ids.get(instance);
  if (id === undefined) {
    // Kept, since a call asks for it several times, and a fresh text would be hashed each time.
    id = `${instance.name}@${instance.origin}`;
    ids.set(instance, id);
  }
  return id;
}

/** An http or https URL that may be an instance's: no credentials in it, no link-local host. */
export const instanceUrl = z.string().superRefine((value, context) => {
  const problem = urlProblem(value);
  if (problem) context.addIssue({ code: "custom", message: problem });
});

/** 169.254/16, the same mapped into IPv6, and fe80::/10, as `URL` writes them. */
const LINK_LOCAL = /^169\.254\.|^\[::ffff:a9fe:|^\[fe[89ab][0-9a-f]:/;

/** What stands before the last @ may be a password. */
function withoutUser(url: string): string {
  return shortened(url.replace(/^.*@/s, "…@"));
}

function urlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return `"${withoutUser(value)}" is no http or https URL`;
  if (url.username || url.password) return "a URL must not carry a password; use apiKeyEnv or apiKeyFile";
  if (LINK_LOCAL.test(url.hostname)) return "link-local addresses are refused";
  return undefined;
}

/** Where the payload goes in a `template`. */
export const PROMPT_PLACE = "{{prompt}}";

/** Fields of an instance that only some protocols know. */
const FIELD_OF: Record<string, readonly Protocol[]> = {
  agent: ["openclaw"],
  model: ["openclaw", "openai"],
  system: ["openclaw", "openai"],
  api: ["openai"],
  contextTokens: ["openclaw", "openai"],
  parameters: ["openai"],
  template: ["openclaw", "a2a", "openai"],
  idleTimeout: ["openclaw", "a2a", "openai"],
};

const instanceFields = z.strictObject({
  url: instanceUrl,
  protocol: z.enum(PROTOCOLS).default("rest"),
  tags: z.array(nameSchema).default([]),
  maxConcurrency: z.number().int().min(1).max(10_000).optional(),
  apiKeyEnv: z.string().min(1).optional(),
  apiKeyFile: z.string().min(1).optional(),
  /** `openclaw`: the agent to ask. */
  agent: z.string().min(1).optional(),
  /** `openai`: the model to ask for; `openclaw`: one in the place of the agent's own. */
  model: z.string().min(1).optional(),
  /** `openclaw`, `openai`: what the model is told before everything else. */
  system: z.string().min(1).optional(),
  /** `openai`: which of its two calls is made; found out unless given. */
  api: z.enum(OPENAI_APIS).optional(),
  /** `openclaw`, `openai`: how many tokens of a session are replayed. */
  contextTokens: z.number().int().min(256).optional(),
  /** `openai`: further fields of the request, such as `temperature`. */
  parameters: z.record(z.string(), json).optional(),
  /** `openclaw`, `a2a`, `openai`: what is sent, with `{{prompt}}` where the payload goes. */
  template: z
    .string()
    .refine((text) => text.includes(PROMPT_PLACE), { error: `expected ${PROMPT_PLACE} somewhere in it` })
    .optional(),
  /** `openclaw`, `a2a`, `openai`: how long it may be silent before it is given up. */
  idleTimeout: duration.optional(),
});

/** An instance as `config.json` writes it, under its name in `fleet`. */
export const instanceConfig = instanceFields.superRefine((given, context) => {
  const { protocol } = given;
  for (const [field, protocols] of Object.entries(FIELD_OF)) {
    if (field in given && !protocols.includes(protocol))
      context.addIssue({
        code: "custom",
        path: [field],
        message: `is for protocol ${protocols.join(", ")}; this is ${protocol}`,
      });
  }
  if (protocol === "openai" && given.model === undefined)
    context.addIssue({
      code: "custom",
      path: ["model"],
      message: "protocol openai needs one, such as llama3.2",
    });
});
