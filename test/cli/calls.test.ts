import { describe, expect, it } from "vitest";
import type { DelegateAnswer, FanoutAnswer, SendAnswer } from "../../src/core/answers.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Orchestrator } from "../../src/core/orchestrator.ts";
import { type Played, runCli } from "./harness.ts";

const explanation = { order: ["A"], excluded: [] };
const delegated: DelegateAnswer = {
  ...{ runId: "run-1", instance: "A", delivery: "accepted", reply: "done", result: { n: 1 } },
  ...{ attempts: [], explanation },
};
const fanned: FanoutAnswer = {
  ...{ runId: "run-2", complete: true, timedOut: false },
  counts: { total: 2, done: 1, failed: 1, pending: 0, cancelled: 0 },
  outcomes: [
    { instance: "A", delivery: "accepted", reply: "done", result: 1 },
    {
      ...{ instance: "B", delivery: "not_sent", reply: "none" },
      error: new OrchestratorError("instance_down", "B: connection refused.").toBody(),
    },
  ],
};

/** What a command hands to the engine. */
async function callOf(args: string[]): Promise<Record<string, unknown>> {
  let handed: unknown;
  const keep =
    <T>(answer: T) =>
    async (call: unknown): Promise<T> => {
      handed = call;
      return answer;
    };
  const sent: SendAnswer = {
    ...{ runId: "run-3", sessionId: "s", instance: "A", seq: 1 },
    ...{ delivery: "accepted", reply: "done", result: 1 },
  };
  const played: Played = {
    delegate: keep(delegated),
    fanout: keep(fanned),
    sessionsSend: keep(sent),
    sessionsSpawn: keep({ sessionId: "s", instance: "A", token: "t" }),
    sessionsHistory: keep({} as never),
    sessionsList: keep({ items: [] }),
    aggregate: keep({ strategy: "first", value: 1, sources: [], dissent: [], missing: [], complete: true }),
    runsGet: keep({} as never),
    runsList: keep({ items: [] }),
  };
  const { stderr } = await runCli(args, played as Orchestrator);
  if (handed === undefined) throw new Error(stderr);
  return JSON.parse(JSON.stringify(handed));
}

describe("the words of a command", () => {
  it.each([
    [
      `route --instances A B --payload {"data":"task"}`,
      { instances: ["A", "B"], payload: { data: "task" }, wait: "20d" },
    ],
    ["delegate --targets A,B --timeout 10s", { instances: ["A,B"], timeout: "10s", wait: "10s" }],
    [
      "route --instances A --retry 3 --fallback any --pick least-busy --idempotent --fresh --wait 0",
      {
        ...{ instances: ["A"], retries: 3, fallback: "any", pick: "least-busy" },
        ...{ idempotent: true, fresh: true, wait: "0" },
      },
    ],
    [
      "route --retries 0 --idempotency-key k --dry-run",
      { retries: 0, idempotencyKey: "k", dryRun: true, wait: "20d" },
    ],
    ["route --timeout soon", { timeout: "soon", wait: "20d" }],
    [
      "fanout --targets A-H --aggregate true --timeout 10s",
      { targets: ["A-H"], aggregate: true, timeout: "10s", wait: "10s" },
    ],
    ["fanout --instances A --aggregate", { targets: ["A"], aggregate: true, wait: "20d" }],
    ["fanout --aggregate false", { aggregate: false, wait: "20d" }],
    ["fanout --aggregate merge", { aggregate: "merge", wait: "20d" }],
    [
      "fanout --aggregate rank-fusion --key a.b --limit 5",
      { aggregate: { strategy: "rank-fusion", key: "a.b", limit: 5 }, wait: "20d" },
    ],
    [
      `fanout --payloads {"A":1} --min-replies 2 --stall 5s --cancel-rest --concurrency 8`,
      { payloads: { A: 1 }, minReplies: 2, stall: "5s", cancelRest: true, concurrency: 8, wait: "20d" },
    ],
    ["sessions_spawn --id s", { sessionId: "s", withToken: true }],
    [
      "sessions_spawn --id s --instance A B --on-instance-down migrate",
      { sessionId: "s", instance: ["A", "B"], onInstanceDown: "migrate", withToken: true },
    ],
    [
      `sessions_send --id s --data {"key":"value"}`,
      { sessionId: "s", data: { key: "value" }, queue: true, wait: "20d" },
    ],
    [
      "sessions_send --id s --token t --no-queue --timeout 5",
      { sessionId: "s", token: "t", queue: false, timeout: "5", wait: "5" },
    ],
    ["sessions_history --id s --after 3 --limit 2", { sessionId: "s", after: 3, limit: 2 }],
    ["sessions_history --id s --remote", { sessionId: "s", remote: true }],
    ["sessions_list --after s1", { after: "s1" }],
    ["aggregate --run-id run-1 --strategy first", { runId: "run-1", strategy: "first" }],
    [
      `aggregate --responses [{"instance":"A","result":1}] --strategy concat --separator ;`,
      { responses: [{ instance: "A", result: 1 }], strategy: "concat", separator: ";" },
    ],
    [
      "fanout --aggregate quorum --quorum 2 --path a.b --normalize lower --min-success 3 --detail brief",
      {
        aggregate: { strategy: "quorum", quorum: 2, path: "a.b", normalize: "lower" },
        ...{ minSuccess: 3, detail: "brief", wait: "20d" },
      },
    ],
    [
      "fanout --aggregate top --path s --order asc --limit 3 --no-cancel-rest",
      { aggregate: { strategy: "top", path: "s", order: "asc", limit: 3 }, cancelRest: false, wait: "20d" },
    ],
    [
      "aggregate --run-id run-1 run-2 --strategy reduce --instance C --instruction Shorter. --min-success 2",
      {
        ...{ runIds: ["run-1", "run-2"], strategy: "reduce", instance: "C", instruction: "Shorter." },
        ...{ minSuccess: 2, wait: "20d" },
      },
    ],
    [
      "aggregate --run-id run-1 --strategy judge --instance C --timeout 30s --idempotency-key k",
      {
        ...{ runId: "run-1", strategy: "judge", instance: "C", timeout: "30s", wait: "30s" },
        idempotencyKey: "k",
      },
    ],
    ["runs list --limit 5", { limit: 5 }],
    ["runs show run-1 --instance B --offset 20000", { runId: "run-1", instance: "B", offset: 20_000 }],
    ["runs show run-1 --value", { runId: "run-1", value: true }],
  ])("%s", async (line, call) => expect(await callOf(line.split(" "))).toEqual(call));
});

describe("wrong words", () => {
  it.each([
    ["rout", "Did you mean route?"],
    ["route --instnces A", "Did you mean --instances?"],
    ["route --fallback lsted", "Did you mean listed?"],
    ["fanout --aggregate mrge", "Did you mean merge?"],
    ["fanout --limit x --aggregate merge", "--limit"],
    ["fanout --aggregate majority --normalize lowr", "Did you mean lower?"],
    ["fanout --quorum 2", "--aggregate quorum --quorum 2"],
    ["fanout --key id", "--aggregate rank-fusion --key id"],
    ["fanout --aggregate true --separator ;", "--aggregate concat --separator ;"],
    ["sessions_send", "--id"],
    ["sessions_spawn --id s --on-instance-down move", "Expected fail or migrate."],
    ["runs wiat run-1", "Did you mean wait?"],
    ["runs show", "run"],
    ["aggregate --strategy first", "either --run-id or --responses"],
    ["aggregate --run-id r", "--strategy"],
    ["route --instances A --url nowhere", "--url"],
    ["route --instances A --url http://127.0.0.1:1 --config c.json", "--config"],
    ["health --interval soon", "--interval"],
  ])("%s", async (line, words) => {
    const { code, stdout, stderr } = await runCli(line.split(" "));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(words);
  });
});

describe("where the engine is", () => {
  it.each([
    ["route", undefined, {}],
    ["route --config c.json", "http://127.0.0.1:1", { config: "c.json" }],
    ["route", "http://127.0.0.1:1", { url: "http://127.0.0.1:1" }],
    ["route", "", {}],
    ["health --url http://127.0.0.1:2", "http://127.0.0.1:1", { url: "http://127.0.0.1:2" }],
  ])("%s with ORCHESTRATOR_URL=%s", async (line, variable, connection) => {
    const { connectedTo } = await runCli(line.split(" "), {}, { ORCHESTRATOR_URL: variable });
    expect(connectedTo).toEqual(connection);
  });
});

describe("every command", () => {
  it.each([
    ...["route", "fanout", "aggregate", "health", "sessions_spawn", "sessions_send", "sessions_list"],
    ...["sessions_history", "sessions_close", "runs", "runs list", "runs show", "runs wait", "runs cancel"],
  ])("%s shows an example of itself", async (name) => {
    const { code, stdout } = await runCli([...name.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(stdout.split(/Examples?:/)[1]).toContain(`orchestrator ${name}`);
  });
});
