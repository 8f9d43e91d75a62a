import type { Json } from "../../../core/json.ts";
import type { Usage } from "../../../core/usage.ts";
import type { ProgramEnd } from "../program.ts";

/** One message to an agent. */
export interface Turn {
  /** The agent's own name of the conversation that this goes on with; `undefined` begins one. */
  conversation: string | undefined;
  /** A name for a conversation that begins, where the caller gives it one. */
  fresh: string;
  /** The file with the prompt, of an agent that takes it so. */
  promptFile: string | undefined;
  /** The arguments that a person passes on to the agent. */
  extra: readonly string[];
}

/** What an agent's output says. */
export type Said = ({ result: Json } | { failure: string }) & {
  /** The agent's own name of the conversation. */
  conversation?: string | undefined;
  usage?: Usage | undefined;
};

/** A command-line agent: how it is called, and how its output is read. */
export interface Agent {
  /** Its name, and that of its program. */
  readonly name: string;
  /** Where it is to be had, in a sentence. */
  readonly install: string;
  /** Variables of its own documentation: where it keeps its things, how it signs in, what it must not send. */
  readonly variables: readonly string[];
  readonly prompt: "stdin" | "file";
  /** Whether the usage it reports is that of the message, or all of the conversation's so far. */
  readonly usageOf: "message" | "conversation";
  /** What it writes when it does not know a conversation any more. */
  readonly forgotten: RegExp;
  /** The arguments of a call. What a person passes on may override what is the default here. */
  arguments(turn: Turn): string[];
  /** `undefined` for what is no output of this agent. */
  read(end: ProgramEnd): Said | undefined;
}

/** Tokens read and written, with their sum. */
export function tokens(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}

/** A number of an agent's output; 0 for what is none. */
export function numberOf(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}
