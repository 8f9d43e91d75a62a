import type { Artifact, Message, Part, Task } from "@a2a-js/sdk";
import type { Instance } from "../core/instance.ts";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import { textOf } from "../core/prompt.ts";
import { promptOf } from "./prompt.ts";

// A payload as the part of a message, and the parts of an answer as a result.

/**
 * A string or `{"message": "…"}` is a text part, and so is all else for an agent that does not say it takes JSON.
 *
 * @throws OrchestratorError `bad_request`, not sent, where there is nothing to ask.
 */
export function partOf(payload: Json, instance: Instance, takesJson: boolean): Part {
  const isText = typeof payload === "string" || textOf(payload) !== JSON.stringify(payload);
  if (takesJson && !isText && instance.settings?.template === undefined)
    return part({ $case: "data", value: payload }, "application/json");
  return part({ $case: "text", value: promptOf(payload, instance) }, "text/plain");
}

function part(content: NonNullable<Part["content"]>, mediaType: string): Part {
  return { content, mediaType, filename: "", metadata: undefined };
}

/**
 * The result of a task that is done: of one text its words, of one piece of data its JSON, of several parts a list
 * of `{"text"}`, `{"data"}` and `{"file"}`, of several artifacts each with the `artifact` that it is of. An agent
 * that made no artifact has answered with the message of its state, or with its last one.
 */
export function taskResult({ artifacts, status, history }: Task): Json {
  if (artifacts.length > 0) return resultOf(artifacts);
  if (status?.message) return messageResult(status.message);
  const last = history.at(-1);
  return last && isAgents(last) ? messageResult(last) : null;
}

export function messageResult({ parts }: Pick<Message, "parts">): Json {
  return resultOf([{ artifactId: "", name: "", parts }]);
}

/** The text parts of a message, for a line of progress or of an error. */
export function wordsOf(message: Message | undefined): string {
  return (message?.parts ?? [])
    .flatMap(({ content }) => (content?.$case === "text" ? content.value : []))
    .join(" ");
}

/** How many characters of text the artifacts have. */
export function charsOf(artifacts: readonly Artifact[]): number {
  return artifacts
    .flatMap(({ parts }) => parts)
    .reduce((sum, { content }) => sum + (content?.$case === "text" ? content.value.length : 0), 0);
}

type Named = Pick<Artifact, "artifactId" | "name" | "parts">;

function resultOf(artifacts: readonly Named[]): Json {
  const entries = artifacts.flatMap((artifact) =>
    joined(artifact.parts).map((entry) =>
      artifacts.length > 1 ? { artifact: artifact.name || artifact.artifactId, ...entry } : entry,
    ),
  );
  const [only] = entries;
  if (only === undefined) return null;
  if (entries.length > 1 || artifacts.length > 1) return entries;
  return only.text ?? only.data ?? (isObject(only.file) ? entries : null);
}

/** Texts that follow each other are one: an agent that streams sends an artifact's text in pieces. */
function joined(parts: readonly Part[]): JsonObject[] {
  const entries: JsonObject[] = [];
  for (const each of parts) {
    const entry = entryOf(each);
    const before = entries.at(-1);
    if (typeof before?.text === "string" && typeof entry?.text === "string") before.text += entry.text;
    else if (entry) entries.push(entry);
  }
  return entries;
}

function entryOf({ content, filename, mediaType }: Part): JsonObject | undefined {
  if (content === undefined) return undefined;
  const { $case: kind, value } = content;
  if (kind === "text") return { text: value };
  if (kind === "data") return { data: (value ?? null) as Json };
  return {
    file: {
      ...(filename && { name: filename }),
      ...(mediaType && { mediaType }),
      ...(kind === "url" ? { url: value } : { base64: Buffer.from(value).toString("base64") }),
    },
  };
}

/** `ROLE_AGENT` of the protocol. */
const AGENT = 2 satisfies Message["role"];

function isAgents({ role }: Message): boolean {
  return role === AGENT;
}
