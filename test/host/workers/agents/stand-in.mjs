import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

// `stand-in.mjs AGENT ARGUMENTS...`: takes the flags that the agent takes and no others, and writes what it writes, as
// the real ones of test/e2e-agents/ were seen to. What it is asked says what it does; without a word for that it
// answers with all that it knows of the call.

const [agent, ...args] = process.argv.slice(2);
if (args.includes("--version")) await version();

const AGENTS = {
  claude: {
    flags: ["-p", "--verbose"],
    options: ["--permission-mode", "--setting-sources", "--output-format", "--resume", "--allowedTools"],
    words: [],
  },
  codex: {
    flags: ["--json", "--skip-git-repo-check"],
    options: ["-c", "--sandbox"],
    words: ["exec", "resume", "-"],
  },
  openclaw: {
    flags: ["--json"],
    options: ["--session-key", "--message-file", "--agent"],
    words: ["agent"],
  },
};
const { flags, options, words } = AGENTS[agent];
const given = {};
for (let at = 0; at < args.length; at++) {
  const name = args[at];
  if (options.includes(name)) given[name] = args[++at];
  else if (flags.includes(name) || words.includes(name)) given[name] = true;
  else if (agent === "codex" && args[at - 1] === "resume") given.thread = name;
  else fail(`error: unknown option '${name}'`, 1);
}

const prompt = given["--message-file"]
  ? readFileSync(given["--message-file"], "utf8")
  : await standardInput();
const word = /^do: (\w+)/.exec(prompt)?.[1];
const asked = { claude: given["--resume"], codex: given.thread, openclaw: given["--session-key"] }[agent];
const known = asked !== undefined && existsSync(fileOf(asked));
if (asked !== undefined && !known && agent === "claude")
  fail(`No conversation found with session ID: ${asked}`, 1);
if (asked !== undefined && !known && agent === "codex") {
  fail(
    `Error: thread/resume: thread/resume failed: no rollout found for thread id ${asked} (code -32600)`,
    1,
  );
}
const id = asked ?? randomUUID();
const heard = [
  ...(known ? readFileSync(fileOf(id), "utf8").trimEnd().split("\n") : []),
  JSON.stringify(prompt),
];

if (word === "garbage") await end("Hello! How can I help you today?\n", 0);
if (word === "nothing") await end("", 0);
if (word === "crash") fail("starting\nError: something broke\nsee the log", 3);
if (word === "flood") for (;;) if (!process.stdout.write("x".repeat(65536))) await setTimeout(1);
if (word === "hang") await hang();

appendFileSync(fileOf(id), `${heard.at(-1)}\n`);
const facts = {
  heard: heard.map((text) => JSON.parse(text)),
  args,
  cwd: process.cwd(),
  env: Object.keys(process.env),
};
const answer = word === "failure" ? "the prompt is too silly" : JSON.stringify(facts);
await end(...{ claude: answerClaude, codex: answerCodex, openclaw: answerOpenclaw }[agent]());

function answerClaude() {
  const turns = heard.length;
  const failed = word === "failure" || word === "limit";
  const model = {
    inputTokens: 5 * turns,
    cacheReadInputTokens: 6 * turns,
    cacheCreationInputTokens: 0,
    outputTokens: 5 * turns,
  };
  const result = {
    type: "result",
    subtype: word === "limit" ? "error_max_turns" : "success",
    is_error: failed,
    ...(word === "limit" ? { errors: ["Reached maximum number of turns (1)"] } : { result: answer }),
    ...(word === "structured" && { structured_output: { a: 1 } }),
    session_id: id,
    total_cost_usd: 0.000144 * turns,
    usage: { input_tokens: 5, cache_read_input_tokens: 6, output_tokens: 5 },
    modelUsage: { "claude-opus-5-5": { ...model, costUSD: 0.000144 * turns } },
  };
  if (word === "refuse")
    process.stderr.write("Error: auto mode could not check some actions. Exiting with code 1.\n");
  const output = given["--verbose"] ? [{ type: "system" }, { type: "assistant" }, result] : result;
  return [`${JSON.stringify(output)}\n`, failed || word === "refuse" ? 1 : 0];
}

function answerCodex() {
  const turns = heard.length;
  const failed = word === "failure";
  const usage = {
    input_tokens: 21 * turns,
    cached_input_tokens: 3 * turns,
    output_tokens: 6 * turns,
    reasoning_output_tokens: 2,
  };
  const events = [
    { type: "thread.started", thread_id: id },
    { type: "item.completed", item: { id: "item_0", type: "error", message: "Model metadata not found." } },
    { type: "turn.started" },
    { type: "item.completed", item: { id: "item_1", type: "agent_message", text: "I look at it." } },
    ...(failed
      ? [
          { type: "error", message: answer },
          { type: "turn.failed", error: { message: answer } },
        ]
      : [
          { type: "item.completed", item: { id: "item_2", type: "agent_message", text: answer } },
          { type: "turn.completed", usage },
        ]),
  ];
  return [events.map((event) => `${JSON.stringify(event)}\n`).join(""), failed ? 1 : 0];
}

function answerOpenclaw() {
  if (word === "failure")
    return [JSON.stringify({ ok: false, error: { type: "cli_error", message: answer } }), 1];
  const timedOut = word === "limit";
  const usage = { input: 10, output: 3, cacheRead: 0, cacheWrite: 0, total: 13 };
  const payloads = timedOut
    ? [{ text: "Request timed out before a response was generated.", isError: true, mediaUrl: null }]
    : [{ text: answer, mediaUrl: null }];
  const result = {
    payloads,
    meta: { durationMs: 1, agentMeta: { sessionId: id, usage, costUsd: 0.000075 } },
  };
  const status = timedOut ? "timeout" : "ok";
  return [JSON.stringify({ runId: randomUUID(), status, summary: "completed", result }), timedOut ? 1 : 0];
}

/** Ends when it is asked to, as the real ones do. */
async function hang() {
  process.once("SIGTERM", () => process.exit(143));
  writeFileSync(join(process.env.HOME, "hangs"), String(process.pid));
  await setTimeout(600_000);
}

async function version() {
  const broken = join(process.env.HOME, "broken");
  if (existsSync(broken)) fail(`${readFileSync(broken, "utf8")}\nand a hint`, 1);
  await end(
    { claude: "2.1.332 (Claude Code)", codex: "codex-cli 0.169.0", openclaw: "OpenClaw 2026.9.6 (eb377ac)" }[
      agent
    ],
    0,
  );
}

function fileOf(conversation) {
  return join(process.env.HOME, `${agent}-${conversation}`);
}

async function standardInput() {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}

function fail(reason, code) {
  process.stderr.write(`${reason}\n`);
  process.exit(code);
}

function end(output, code) {
  return new Promise(() => process.stdout.write(output, () => process.exit(code)));
}
