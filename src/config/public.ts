import type { Duration } from "../core/calls.ts";
import type { Scope } from "../core/keys.ts";
import type { Protocol } from "../core/protocol.ts";
import type { Selector } from "../core/selector.ts";

/** An instance as `config.json` has it, under its name in `fleet`. */
export interface InstanceConfig {
  url: string;
  /** `rest` unless given. */
  protocol?: Protocol;
  tags?: string[];
  /** How many tasks of this process may be there at once; 64 unless given. */
  maxConcurrency?: number;
  /** The variable, or the file, that holds its key. */
  apiKeyEnv?: string;
  apiKeyFile?: string;
  /** `openclaw`: the agent to ask. */
  agent?: string;
  /** `openai`: the model to ask for; `openclaw`: one in the place of the agent's own. */
  model?: string;
  /** `openclaw`, `openai`: what the model is told before everything else. */
  system?: string;
  /** `openai`: which of its two calls is made; found out unless given. */
  api?: "chat" | "responses";
  /** `openclaw`, `openai`: how many tokens of a session are replayed. */
  contextTokens?: number;
  /** `openai`: further fields of the request, such as `temperature`. */
  parameters?: Record<string, unknown>;
  /** `openclaw`, `a2a`, `openai`: what is sent, with `{{prompt}}` where the payload goes. */
  template?: string;
  /** `openclaw`, `a2a`, `openai`: how long it may be silent before it is given up. */
  idleTimeout?: Duration;
}

/** What `config.json` may say, for a program that has it in its own place; a test holds it to the schema. */
export interface OrchestratorConfig {
  $schema?: string;
  /** Who is meant where a call names nobody. */
  instances?: Selector;
  fleet?: Record<string, InstanceConfig>;
  cluster?: { url?: string; allow?: string[] };
  keys?: { name: string; hash: string; scopes: Scope[]; requestsPerMinute?: number }[];
  serve?: { requestsPerMinute?: number; hosts?: string[]; origins?: string[] };
  mcp?: {
    confirmAbove?: number;
    resultTokens?: number;
    instanceTokens?: number;
    resourceLinks?: boolean;
  };
  timeout?: Duration;
  wait?: Duration;
  retries?: number;
  healthInterval?: Duration;
  durability?: "normal" | "full";
  retention?: { age?: Duration; runs?: number; bytes?: number };
}
