import { isObject, type Json, type JsonObject, parseJson } from "../../../core/json.ts";
import type { Usage } from "../../../core/usage.ts";
import { type Agent, numberOf, tokens } from "./agent.ts";

/**
 * OpenClaw, a turn of `openclaw agent` through its gateway: https://docs.openclaw.ai/cli/agent
 *
 * Established by running 2026.9.6 with a gateway and a local model, November 2026:
 * - It needs a session: without one it would go to the agent's main one, which all share. A key that is not known yet
 *   begins one, and is the conversation's name.
 * - The message comes from --message, which others see in the list of processes, or from a file. The file cannot be
 *   a pipe of ours: opening /dev/stdin fails for a socket.
 * - It answers `{"status":"ok","result":{"payloads","meta"}}`, with --local `{"payloads","meta"}`; a failure is
 *   `{"ok":false,"error"}` or another status with the reason in a payload, both with exit code 1. Usage is the turn's.
 * - It stops a turn after 600 s, unless --timeout or its configuration says otherwise.
 * - On SIGTERM it aborts the gateway's run before it ends, within 0.3 s.
 * What its agent may do is set in its own configuration.
 */
export const openclaw: Agent = {
  name: "openclaw",
  install:
    "Install OpenClaw (npm install -g openclaw, with the Node it asks for) and run `openclaw onboard`.",
  variables: [
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_GATEWAY_PASSWORD",
    "OPENCLAW_GATEWAY_PORT",
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_URL",
    "OPENCLAW_HOME",
    "OPENCLAW_PROFILE",
    // Set in what its agents run: it then refuses to be an agent's way to another session, and that must hold.
    "OPENCLAW_SHELL",
    "OPENCLAW_STATE_DIR",
  ],
  prompt: "file",
  usageOf: "message",
  // A session key that is not known begins a session.
  forgotten: /(?!)/,
  arguments: ({ conversation, fresh, promptFile = "", extra }) => [
    "agent",
    ...extra,
    ...["--json", "--session-key", conversation ?? fresh, "--message-file", promptFile],
  ],
  read({ output }) {
    const answer = parseJson(output);
    if (!isObject(answer)) return undefined;
    if (answer.ok === false) return { failure: errorOf(answer) };
    const run = isObject(answer.result) ? answer.result : answer;
    if (!Array.isArray(run.payloads)) return undefined;
    const payloads = run.payloads.filter(isObject).filter(({ isReasoning }) => isReasoning !== true);
    const text = payloads.map((payload) => payload.text ?? payload.mediaUrl ?? "").join("\n");
    const usage = usageOf(run.meta);
    const { status = "ok", summary = "" } = answer;
    const failed = status !== "ok" || payloads.some(({ isError }) => isError === true);
    return failed ? { failure: text || `${status}: ${summary}`, usage } : { result: text, usage };
  },
};

function errorOf({ error }: JsonObject): string {
  return isObject(error) && typeof error.message === "string" ? error.message : "it gave no reason";
}

function usageOf(meta: Json | undefined): Usage | undefined {
  const facts = isObject(meta) && isObject(meta.agentMeta) ? meta.agentMeta : undefined;
  if (!facts || !isObject(facts.usage)) return undefined;
  const { input, output, cacheRead, cacheWrite } = facts.usage;
  return {
    ...tokens(numberOf(input) + numberOf(cacheRead) + numberOf(cacheWrite), numberOf(output)),
    ...(typeof facts.costUsd === "number" && { costUsd: facts.costUsd }),
  };
}
