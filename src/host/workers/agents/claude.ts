import { isObject, type Json, type JsonObject, parseJson } from "../../../core/json.ts";
import type { Usage } from "../../../core/usage.ts";
import { type Agent, numberOf, type Said, tokens } from "./agent.ts";

/**
 * Claude Code: https://code.claude.com/docs/en/headless
 *
 * Established by running 2.1.332 against a local Messages API, November 2026; `npm run e2e:agents` does it again:
 * - Without --permission-mode it may start in "auto", where a model approves tools. "default" denies what would ask:
 *   all but reading in its folder.
 * - With -p it trusts its folder: a `.claude/settings.json` there runs hooks, and sends the API key to a URL of its
 *   choice. --setting-sources user keeps settings, hooks, MCP servers and CLAUDE.md of the folder out.
 * - Of an option that is given twice the last one counts.
 * - A resumed conversation reports modelUsage and total_cost_usd of all of it, and keeps its session_id.
 * - It answers is_error with exit code 1 and its words in `result`, or in `errors` where a limit was reached. With
 *   --verbose its JSON is an array whose last entry is the result. An id it does not know is told on stderr alone.
 * - SIGTERM ends it and its tools within 0.2 s. Its tools are in groups of their own.
 */
export const claude: Agent = {
  name: "claude",
  install: "Install Claude Code (npm install -g @anthropic-ai/claude-code) and run `claude` once to sign in.",
  variables: [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_MODEL",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CONFIG_DIR",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_TELEMETRY",
  ],
  prompt: "stdin",
  usageOf: "conversation",
  forgotten: /No conversation found/,
  arguments: ({ conversation, extra }) => [
    ...["-p", "--permission-mode", "default", "--setting-sources", "user"],
    ...extra,
    // Last, since an option of many values would take what follows it.
    ...["--output-format", "json"],
    ...(conversation === undefined ? [] : ["--resume", conversation]),
  ],
  read({ output }) {
    const parsed = parseJson(output);
    const last = Array.isArray(parsed) ? parsed.at(-1) : parsed;
    return isObject(last) && last.type === "result" ? said(last) : undefined;
  },
};

function said(last: JsonObject): Said {
  const common = {
    conversation: typeof last.session_id === "string" ? last.session_id : undefined,
    usage: usageOf(last),
  };
  if (last.is_error !== true) return { ...common, result: last.structured_output ?? last.result ?? "" };
  const words = typeof last.result === "string" ? [last.result] : last.errors;
  return { ...common, failure: Array.isArray(words) ? words.join("; ") : String(last.subtype) };
}

/** Of all models, helpers included: `usage` is the main one's alone. */
function usageOf({ modelUsage, total_cost_usd }: JsonObject): Usage {
  const models = isObject(modelUsage) ? Object.values(modelUsage).filter(isObject) : [];
  const sum = (...fields: string[]) =>
    models.reduce(
      (total, model) => total + fields.reduce((some, field) => some + numberOf(model[field]), 0),
      0,
    );
  return {
    ...tokens(sum("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"), sum("outputTokens")),
    costUsd: numberOf(total_cost_usd as Json | undefined),
  };
}
