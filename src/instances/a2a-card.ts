import type { AgentCard } from "@a2a-js/sdk";
import * as z from "zod";
import { OrchestratorError } from "../core/errors.ts";
import { type Instance, NAME } from "../core/instance.ts";

// What an agent says of itself. It is untrusted: above all, it must not lead a key to another origin.

/** What is used of a card. */
const cardSchema = z.object({
  name: z.string(),
  supportedInterfaces: z.array(
    z.object({
      url: z.string(),
      protocolBinding: z.string(),
      protocolVersion: z.string().catch(""),
      tenant: z.string().catch(""),
    }),
  ),
  capabilities: z.object({ streaming: z.boolean().catch(false) }).catch({ streaming: false }),
  defaultInputModes: z.array(z.string()).catch([]),
  skills: z
    .array(
      z.object({
        id: z.string().catch(""),
        tags: z.array(z.string()).catch([]),
        inputModes: z.array(z.string()).catch([]),
      }),
    )
    .catch([]),
});

type Read = z.infer<typeof cardSchema>;

/** An agent that can be spoken to. */
export interface Agent {
  /** For the SDK: with those of its interfaces alone that may be used. */
  card: AgentCard;
  streaming: boolean;
  takesJson: boolean;
  tags: string[];
}

/**
 * Reads a card, as the SDK's resolver gives it.
 *
 * @throws OrchestratorError `instance_error` where it is none, or names no address that may be used.
 */
export function readCard(resolved: unknown, instance: Instance): Agent {
  const read = cardSchema.safeParse(resolved);
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue?.path.join(".") || "it";
    throw unusable(
      instance,
      `${instance.name} answered no agent card: ${where}: ${issue?.message ?? "wrong"}.`,
      CHECK_URL,
    );
  }
  const { capabilities, defaultInputModes, skills } = read.data;
  const modes = [...defaultInputModes, ...skills.flatMap(({ inputModes }) => inputModes)];
  return {
    card: { ...(resolved as AgentCard), supportedInterfaces: usable(read.data, instance) },
    streaming: capabilities.streaming,
    takesJson: modes.some((mode) => JSON_MODES.has(mode.toLowerCase())),
    tags: tagsOf(skills),
  };
}

/** Many an agent writes `data` for the parts that it takes. */
const JSON_MODES = new Set(["application/json", "data", "*/*"]);
const CHECK_URL = "Check that the instance's url is where an A2A agent has its card.";

const BINDINGS = new Set(["JSONRPC", "HTTP+JSON"]);
/** What the SDK speaks; an interface that names no version is of a time before 1.0. */
const VERSIONS = /^(1\.|0\.3|1$|$)/;

/** The interfaces at the configured origin that can be spoken to. */
function usable({ supportedInterfaces: all }: Read, instance: Instance): Read["supportedInterfaces"] {
  const { name, origin } = instance;
  const ours = all.filter(({ url }) => URL.canParse(url) && new URL(url).origin === origin);
  if (ours.length === 0) {
    const others = [...new Set(all.map(({ url }) => (URL.canParse(url) ? new URL(url).origin : `"${url}"`)))];
    throw unusable(
      instance,
      `${name}'s agent card names no address at ${origin}, but ${others.join(", ").slice(0, 200) || "none"}: nothing is sent there, since a card must not lead a key to another origin.`,
      `Set fleet.${name}.url to where the agent itself answers, if that is the agent you mean, or have its card name the address by which it is reached.`,
    );
  }
  const spoken = ours.filter(
    ({ protocolBinding, protocolVersion }) =>
      BINDINGS.has(protocolBinding.toUpperCase()) && VERSIONS.test(protocolVersion),
  );
  if (spoken.length > 0) return spoken;
  const offers = ours.map(({ protocolBinding, protocolVersion }) => `${protocolBinding} ${protocolVersion}`);
  throw unusable(
    instance,
    `${name} offers only ${offers.join(", ").slice(0, 200)}; JSONRPC and HTTP+JSON of A2A 1.x and 0.3 can be spoken.`,
    "Have the agent offer one of them, or name another instance.",
  );
}

function unusable({ name }: Instance, message: string, action: string): OrchestratorError {
  return new OrchestratorError("instance_error", message, { instance: name, delivery: "not_sent", action });
}

const MOST_TAGS = 100;

/** The ids and tags of the skills, written so that a selector can name them. */
function tagsOf(skills: Read["skills"]): string[] {
  const tags = skills.flatMap(({ id, tags }) => [id, ...tags]).map(asTag);
  return [...new Set(tags.filter((tag) => tag !== ""))].slice(0, MOST_TAGS);
}

function asTag(text: string): string {
  if (NAME.test(text)) return text;
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-");
  return plain
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 64)
    .replace(/-+$/, "");
}
