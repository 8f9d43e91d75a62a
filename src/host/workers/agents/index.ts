import type { Agent } from "./agent.ts";
import { claude } from "./claude.ts";
import { codex } from "./codex.ts";
import { openclaw } from "./openclaw.ts";

/** The agents that are known, by name. */
export const AGENTS: Readonly<Record<string, Agent>> = { claude, codex, openclaw };
