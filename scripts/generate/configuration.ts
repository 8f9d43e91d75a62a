import * as z from "zod";
import { configSchema } from "../../src/config/schema.ts";
import { defaultOf, type JsonSchema, typeOf } from "./json-schema.ts";
import { code, table } from "./markdown.ts";

// The fields of config.json: their types from the schema, their meanings from here. One without the other fails.

const MEANING: Record<string, string> = {
  $schema: "for editors; it is not read",
  instances: "who is meant where a call names nobody",
  fleet: "the address book: instances by name",
  "fleet.*.url": "where the instance answers: http or https, without a password, not link-local",
  "fleet.*.protocol": "how it is spoken to, see [protocols](protocols.md)",
  "fleet.*.tags": "tags by which `tag:…` picks it",
  "fleet.*.maxConcurrency": "how many tasks of one process may be there at once; 64 unless told otherwise",
  "fleet.*.apiKeyEnv": "the variable that holds its key",
  "fleet.*.apiKeyFile": "the file that holds its key; `~/` is the home folder",
  "fleet.*.agent": "for `openclaw`: the agent to ask",
  "fleet.*.model": "for `openai`: the model to ask for; for `openclaw`: one in the place of the agent's own",
  "fleet.*.system": "for `openclaw`, `openai`: what the model is told before everything else",
  "fleet.*.api": "for `openai`: which of its two calls is made; found out unless given",
  "fleet.*.contextTokens":
    "for `openclaw`, `openai`: how many tokens of a session are replayed; 16,000 unless given",
  "fleet.*.parameters": 'for `openai`: further fields of each request, such as `{"temperature":0}`',
  "fleet.*.template":
    "for `openclaw`, `a2a`, `openai`: what is sent, with `{{prompt}}` where the payload goes",
  "fleet.*.idleTimeout":
    "for `openclaw`, `a2a`, `openai`: how long it may be silent before it is given up; unless given 3 minutes, for `openclaw` any time",
  cluster: "the cluster that lists further instances",
  "cluster.url": "where it answers; without it and without a `fleet`, `http://127.0.0.1:7411`",
  "cluster.allow": "for `serve`: hosts, without port, whose instances may register; any unless given",
  keys: "keys that `serve` accepts besides `ORCHESTRATOR_API_KEY`, as `orchestrator keys new` prints them",
  "keys[].name": "who has it: stands in logs and in what it makes; no two are the same",
  "keys[].hash": "the hash of the key, not the key",
  "keys[].scopes": "what it may do, see [security](security.md#keys-and-scopes)",
  "keys[].requestsPerMinute": "a limit of its own; 0 for any number",
  serve: "what `serve` lets in",
  "serve.requestsPerMinute": "requests a minute of each key without a limit of its own; 0 for any number",
  "serve.hosts": "names, without port, that a request's `Host` may carry besides the address",
  "serve.origins": "origins whose web pages may call, such as `https://app.example`; none unless given",
  mcp: "how models are answered",
  "mcp.confirmAbove":
    "a fan-out to `*` that picks more instances than this has to be confirmed; 20 unless given",
  "mcp.resultTokens":
    "tokens of all results in one answer together, four characters each; a call may ask for another number",
  "mcp.instanceTokens": "tokens of any one instance's result in it",
  "mcp.resourceLinks":
    "whether an answer links to the results that it had to cut; `false` for clients that fail on links",
  timeout: "deadline of the whole work; 10 minutes unless given",
  wait: "how long one call stays open; 45 s unless given, never longer than the `timeout`",
  retries: "rounds of retries after the first, where a retry is safe; 3 unless given",
  healthInterval: "how often each instance is checked; 60 s unless given, a sick one six times as often",
  durability: "`normal`: what is stored survives the death of a process; `full`: the loss of power too",
  retention: "what is kept of ended runs: whichever limit comes first",
  "retention.age": "how long; 7 days unless given",
  "retention.runs": "how many; 10,000 unless given",
  "retention.bytes": "how much, in characters of JSON; 2 GiB unless given",
};

export function configFields(): string {
  const fields = fieldsOf(
    z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema,
  );
  const stale = Object.keys(MEANING).filter((path) => !fields.some((field) => field.path === path));
  if (stale.length > 0) throw new Error(`config.json has no field ${stale.join(", ")}.`);
  return table(
    ["field", "type", "default", "meaning"],
    fields.map(({ path, schema }) => {
      const meaning = MEANING[path];
      if (meaning === undefined)
        throw new Error(`scripts/generate/configuration.ts does not say what ${path} means.`);
      return [code(path.replace(".*.", ".NAME.")), typeOf(schema), defaultOf(plain(schema)), meaning];
    }),
  );
}

/** An empty default says nothing. */
function plain(schema: JsonSchema): JsonSchema {
  return typeof schema.default === "object" ? { ...schema, default: undefined } : schema;
}

function fieldsOf({ properties = {} }: JsonSchema, prefix = ""): { path: string; schema: JsonSchema }[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = prefix + name;
    const { additionalProperties: each, items } = schema;
    return [
      { path, schema },
      ...fieldsOf(schema, `${path}.`),
      ...(typeof each === "object" ? fieldsOf(each, `${path}.*.`) : []),
      ...(items ? fieldsOf(items, `${path}[].`) : []),
    ];
  });
}
