import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { request } from "undici";
import { table } from "../src/cli/table.ts";
import { type Fleet, isRunning, PROGRAM, startFleet } from "./fleet.ts";
import { claim, cut, heading, until } from "./stage.ts";

// The main job, on the built product: an assistant's client speaks MCP over stdio to the server, and
// through it to a fleet of eight. Every line with a check mark is asserted from what came back.

interface Hit {
  id: string;
  title: string;
  path: string;
}
interface SearchResult {
  total: number;
  hits: Hit[];
}
interface ToolError {
  code: string;
  message: string;
}
interface Outcome {
  instance: string;
  reply: string;
  error?: ToolError;
}
interface Ranked {
  id: string;
  score: number;
  hit: Hit;
  sources: { instance: string; rank: number }[];
}

const started = performance.now();
const state = await mkdtemp(join(tmpdir(), "orchestrator-demo-"));
const key = randomBytes(24).toString("base64url");
const corpus = fileURLToPath(new URL("../node_modules", import.meta.url));
const env = {
  ...process.env,
  ORCHESTRATOR_STATE_DIR: state,
  ORCHESTRATOR_API_KEY: key,
  ORCHESTRATOR_CONFIG: "",
};
const client = new Client({ name: "demo", version: "1.0.0" });
let fleet: Fleet | undefined;
process.once("SIGINT", () => void end().then(() => process.exit(130)));

try {
  heading("A fleet of eight, each with an eighth of the Markdown under node_modules");
  fleet = await startFleet(corpus, env);
  await show(fleet);
  console.log(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await end();
}

async function end(): Promise<void> {
  await client.close();
  await fleet?.stop();
  await rm(state, { recursive: true, force: true });
}

async function show(fleet: Fleet): Promise<void> {
  const sections = fleet.instances.reduce((sum, { facts }) => sum + facts.sections, 0);
  const files = fleet.instances.reduce((sum, { facts }) => sum + facts.files, 0);
  claim(
    `${fleet.instances.length} instances have indexed ${sections} sections of ${files} files`,
    sections > 2_000,
  );

  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM],
    env: { ...env, ORCHESTRATOR_CLUSTER_URL: fleet.cluster } as Record<string, string>,
    stderr: "inherit",
  });
  await client.connect(transport);
  const serverPid = transport.pid as number;
  const call = async <T>(name: string, args: object): Promise<T> => {
    const answer = await client.callTool({ name, arguments: { ...args } });
    if (answer.isError) throw new Error(`${name}: ${JSON.stringify(answer.content)}`);
    return answer.structuredContent as T;
  };

  heading("The MCP server, over stdio, with the official client");
  const { tools } = await client.listTools();
  const names = tools.map(({ name }) => name);
  claim(
    `it offers ${names.length} tools: ${names.join(", ")}`,
    ["health", "delegate", "fanout", "aggregate", "orchestrate", "sessions_send"].every((name) =>
      names.includes(name),
    ),
  );
  claim(
    "it has registered with the cluster as the skill orchestrator",
    await until(() => isRegistered(fleet.cluster)),
  );

  await showHealth(call);
  await showDelegate(call);
  await showFanout(call);
  await showPlan(call);
  await showSession(call);
  await showFailure(call, fleet);

  heading("The end");
  await client.close();
  await fleet.stop();
  const pids = [serverPid, ...fleet.pids];
  claim(
    `none of the ${pids.length} processes is left`,
    await until(async () => !pids.some(isRunning)),
    pids.filter(isRunning),
  );
}

type Call = <T>(name: string, args: object) => Promise<T>;

async function isRegistered(cluster: string): Promise<boolean> {
  const { body } = await request(`${cluster}/api/cluster/members?kind=skill`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return (await body.text()).includes('"orchestrator"');
}

async function showHealth(call: Call): Promise<void> {
  heading("health A-H");
  const { instances } = await call<{
    instances: { instance: string; state: string; latencyMs: number; tags: string[] }[];
  }>("health", { instances: ["A-H"], detail: true });
  const rows = instances.map(({ instance, state, latencyMs, tags }) => [
    instance,
    state,
    `${Math.round(latencyMs)} ms`,
    tags.join(","),
  ]);
  console.log(table([["", "state", "latency", "tags"], ...rows]).replace(/^/gm, "  "));
  claim(
    "all eight are healthy",
    instances.length === 8 && instances.every(({ state }) => state === "healthy"),
    instances,
  );
}

async function showDelegate(call: Call): Promise<void> {
  heading('delegate to C: {"query":"retry with backoff"}');
  const answer = await call<{ instance: string; reply: string; result: SearchResult }>("delegate", {
    instances: ["C"],
    payload: { query: "retry with backoff" },
  });
  const [best] = answer.result.hits;
  claim("C did it, and nobody else", answer.instance === "C" && answer.reply === "done", answer);
  claim(
    `its eighth has ${answer.result.total} sections for that; the best is ${best?.id}`,
    answer.result.total > 0,
    answer,
  );
}

async function showFanout(call: Call): Promise<void> {
  heading('fanout to A-H with rank-fusion: {"query":"abort a request with a signal"}');
  const { counts, aggregate } = await call<{
    counts: { total: number; done: number };
    aggregate: { value: Ranked[]; sources: string[]; complete: boolean };
  }>("fanout", {
    targets: ["A-H"],
    payload: { query: "abort a request with a signal" },
    aggregate: { strategy: "rank-fusion", limit: 10 },
  });
  const rows = aggregate.value.map(({ hit, score, sources }, index) => [
    String(index + 1),
    cut(hit.title, 36),
    cut(hit.path, 44),
    score.toFixed(4),
    sources.map(({ instance, rank }) => `${instance} (its #${rank})`).join(", "),
  ]);
  console.log(table([["", "section", "file", "score", "found by"], ...rows]).replace(/^/gm, "  "));
  claim("all eight answered", counts.total === 8 && counts.done === 8 && aggregate.complete, counts);
  claim(
    "ten documents are left, best first, each with who found it",
    isRanked(aggregate.value),
    aggregate.value,
  );
}

function isRanked(ranked: readonly Ranked[]): boolean {
  const ids = new Set(ranked.map(({ id }) => id));
  const descending = ranked.every(
    ({ score }, index) => index === 0 || score <= (ranked[index - 1]?.score ?? 0),
  );
  return ids.size === 10 && descending && ranked.every(({ sources }) => sources.length > 0);
}

async function showPlan(call: Call): Promise<void> {
  heading("orchestrate: a search of all, and what is best in it searched for at C");
  const { reply, steps, value } = await call<{
    reply: string;
    steps: { step: string; state: string }[];
    value?: SearchResult;
  }>("orchestrate", {
    steps: [
      {
        id: "find",
        fanout: {
          targets: ["A-H"],
          payload: { query: "retry with backoff" },
          aggregate: { strategy: "rank-fusion", limit: 3 },
        },
      },
      {
        id: "more",
        needs: ["find"],
        delegate: { instances: ["C"], payload: { query: "${steps.find.value[0].hit.title}" } },
      },
    ],
  });
  claim(
    `both steps are done: ${steps.map(({ step, state }) => `${step} ${state}`).join(", ")}`,
    reply === "done" && steps.every(({ state }) => state === "done"),
    steps,
  );
  claim(`C has ${value?.total} sections for the title of the best find`, (value?.total ?? 0) > 0, value);
}

async function showSession(call: Call): Promise<void> {
  heading("a session: the second message builds on the first");
  const { instance } = await call<{ instance: string }>("sessions_spawn", { sessionId: "reading" });
  claim(`session "reading" is open at ${instance}`, instance.length === 1);
  const send = (data: object) =>
    call<{ seq: number; result: SearchResult }>("sessions_send", { sessionId: "reading", data });
  const first = await send({ query: "request response" });
  // A word of the best hit, so that something is left, whichever eighth the session is over.
  const word = rarestWord(first.result.hits[0]?.title ?? "");
  const second = await send({ narrow: word });
  console.log(
    `  {"query":"request response"} finds ${first.result.total}, {"narrow":"${word}"} keeps ${second.result.total}`,
  );
  claim(
    "what is left is a part of what was found",
    second.result.total > 0 && second.result.total < first.result.total,
    [first.result.total, second.result.total],
  );
  const { transcript } = await call<{
    transcript: { seq: number; data: object; reply: string; result: SearchResult }[];
  }>("sessions_history", { sessionId: "reading" });
  claim(
    "the transcript has both messages with their replies, in order",
    transcript.map(({ seq, reply }) => `${seq} ${reply}`).join() === "1 done,2 done" &&
      "narrow" in (transcript[1]?.data ?? {}),
    transcript,
  );
}

function rarestWord(title: string): string {
  const words = title.match(/[A-Za-z]{3,}/g) ?? [];
  return (
    words.filter((word) => !/request|response/i.test(word)).sort((a, b) => b.length - a.length)[0] ??
    "timeout"
  );
}

async function showFailure(call: Call, fleet: Fleet): Promise<void> {
  heading("D is killed with SIGKILL");
  process.kill(fleet.instances.find(({ instance }) => instance === "D")?.pid as number, "SIGKILL");
  const { counts, outcomes } = await call<{ counts: { done: number; failed: number }; outcomes: Outcome[] }>(
    "fanout",
    {
      targets: ["A-H"],
      payload: { query: "license" },
    },
  );
  const lost = outcomes.find(({ instance }) => instance === "D");
  console.log(`  D: ${lost?.error?.code}: ${lost?.error?.message}`);
  claim("a fan-out names D as instance_down", lost?.error?.code === "instance_down", lost);
  claim("the other seven answer", counts.done === 7 && counts.failed === 1, counts);
  const answer = await call<{
    instance: string;
    explanation: { excluded: { instance: string; reason: string }[] };
  }>("delegate", {
    instances: ["D", "E"],
    payload: { query: "license" },
  });
  const why = answer.explanation.excluded.find(({ instance }) => instance === "D")?.reason;
  claim(
    `a delegate to D, E is done by E, and says why: D is ${why}`,
    answer.instance === "E" && why !== undefined,
    answer,
  );
}
