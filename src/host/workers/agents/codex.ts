import { isObject, type JsonObject, parseJson } from "../../../core/json.ts";
import { type Agent, numberOf, tokens } from "./agent.ts";

/**
 * Codex: https://developers.openai.com/codex/noninteractive
 *
 * Established by running codex-cli 0.169.0 against a local Responses API, November 2026; `npm run e2e:agents` does it
 * again:
 * - `resume` has no --sandbox, and --sandbox may be given once: so the default is -c sandbox_mode, which both a later
 *   -c and --sandbox override, before `resume` too.
 * - Outside of a Git repository it refuses to work without --skip-git-repo-check; the read-only sandbox holds there. In
 *   it commands read the whole disk, write nothing, and have no network.
 * - It does not trust the folder: a `.codex/config.toml` there is not read.
 * - `turn.completed` reports the usage of the whole thread so far. `turn.failed` comes with exit code 1; an id it does
 *   not know is told on stderr alone.
 * - Without a network it waits for one without end.
 * - Of the environment's keys it takes CODEX_API_KEY, and OPENAI_API_KEY only where its configuration names that.
 * - SIGTERM ends it and what runs in its sandbox at once.
 */
export const codex: Agent = {
  name: "codex",
  install: "Install Codex (npm install -g @openai/codex) and sign in with `codex login`.",
  variables: ["CODEX_API_KEY", "CODEX_HOME"],
  prompt: "stdin",
  usageOf: "conversation",
  forgotten: /no rollout found/,
  arguments({ conversation, extra }) {
    // It takes neither of them twice.
    const flags = ["--json", "--skip-git-repo-check"].filter((flag) => !extra.includes(flag));
    return [
      ...["exec", "-c", 'sandbox_mode="read-only"', "-c", 'approval_policy="never"'],
      ...extra,
      ...flags,
      ...(conversation === undefined ? [] : ["resume", conversation]),
      "-",
    ];
  },
  read({ output }) {
    const events = output.split("\n").map(parseJson).filter(isObject);
    const last = (wanted: (event: JsonObject) => boolean) => events.filter(wanted).at(-1);
    const conversation = last(({ type }) => type === "thread.started")?.thread_id;
    const failed = last(({ type }) => type === "turn.failed");
    const completed = last(({ type }) => type === "turn.completed");
    if (typeof conversation !== "string" || !(failed ?? completed)) return undefined;
    if (failed) {
      const message = isObject(failed.error) ? failed.error.message : undefined;
      return { conversation, failure: typeof message === "string" ? message : "the turn failed" };
    }
    const usage = isObject(completed?.usage) ? completed.usage : undefined;
    const answer = last(({ item }) => isObject(item) && item.type === "agent_message")?.item;
    return {
      conversation,
      result: isObject(answer) ? (answer.text ?? "") : "",
      usage: usage && tokens(numberOf(usage.input_tokens), numberOf(usage.output_tokens)),
    };
  },
};
