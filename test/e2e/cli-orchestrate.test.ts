import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { describe, expect, it } from "vitest";
import { moduleFleet } from "../support/plan-fleet.ts";
import { type Ended, freshEnv, NODE, PROGRAM, run, start } from "../support/program.ts";
import { terminal } from "../support/terminal.ts";

/** Does as `ms` and `fail` say, and `failOnce`, a file that is there once it has failed; notes what it does. */
const WORKER = `
import { appendFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
const by = process.argv[process.argv.indexOf("--name") + 1];
export default async (payload, { signal }) => {
  if (payload?.ledger) await appendFile(payload.ledger, payload.note + "\\n");
  if (payload?.ms) await sleep(payload.ms, undefined, { signal });
  if (payload?.fail) throw new Error(payload.fail);
  if (payload?.failOnce) {
    const isFirst = await writeFile(payload.failOnce, "", { flag: "wx" }).then(() => true, () => false);
    if (isFirst) throw new Error("the first time");
  }
  return { by, got: payload };
};
`;

const errorOf = ({ stderr }: Ended) => JSON.parse(stderr.trim().split("\n").at(-1) ?? "").error;
const json = ({ stdout }: Ended) => JSON.parse(stdout);
const at = (instances: string, payload: unknown) => ({ instances: [instances], payload });

/** A fleet, and plans in its folder, that are run by their names or from standard input. */
async function setUp(names = ["A", "B"]) {
  const { env, urls, folder } = await moduleFleet(names, WORKER);
  const file = async (name: string, plan: unknown) => {
    await writeFile(join(folder, name), typeof plan === "string" ? plan : JSON.stringify(plan));
    return name;
  };
  const orchestrate = (...args: string[]) => run(["orchestrate", ...args], env, folder);
  const inFlight = async (name: string) => {
    const { body } = await request(`${urls[name]}/api/health/check`);
    return ((await body.json()) as { inFlight: number }).inFlight;
  };
  return { env, folder, file, orchestrate, inFlight };
}

const plan = {
  inputs: { topic: "retries", most: 1 },
  steps: [
    { id: "find", delegate: at("A", { topic: "${inputs.topic}", most: "${inputs.most}" }) },
    { id: "sum", needs: ["find"], delegate: at("B", { of: "${steps.find.value.got}" }) },
  ],
  output: { by: ["${steps.find.value.by}", "${steps.sum.value.by}"], got: "${steps.sum.value.got.of}" },
};

describe("a plan", () => {
  it("is a file or standard input, and takes inputs in each form, the later over the earlier", async () => {
    const { file, orchestrate, env } = await setUp();
    await file("plan.json", plan);
    await file("inputs.json", { topic: "from a file", most: 7 });
    const done = await orchestrate("plan.json");
    expect(done).toMatchObject({ code: 0, stderr: expect.stringMatching(/^run run-\S+\n$/) });
    expect(json(done)).toMatchObject({
      ...{ reply: "done", value: { by: ["A", "B"], got: { topic: "retries", most: 1 } } },
      counts: { total: 2, done: 2 },
      steps: [{ step: "find", state: "done" }, { step: "sum" }],
    });
    const got = async (...args: string[]) => json(await orchestrate(...args)).value.got;
    expect(await got("plan.json", "--input", "topic=two words", "--input", "most=[2]")).toEqual({
      topic: "two words",
      most: [2],
    });
    expect(await got("--inputs", "@inputs.json", "--input", "most=9", "--", "plan.json")).toEqual({
      topic: "from a file",
      most: 9,
    });
    expect(await got("--input", "topic=x=y", "most=", "plan.json")).toEqual({ topic: "x=y", most: "" });
    const child = spawn(NODE, [PROGRAM, "orchestrate", "-", "--inputs", '{"topic":1}'], { env });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stdin.end(`\uFEFF${JSON.stringify(plan)}`);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(JSON.parse(stdout).value.got).toEqual({ topic: 1, most: 1 });
  });

  it("is only checked with --dry-run, and its run is shown by its steps", async () => {
    const { file, orchestrate, env } = await setUp();
    await file("plan.json", plan);
    const dry = await orchestrate("plan.json", "--dry-run");
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    expect(json(dry)).toMatchObject({ dryRun: true, explanation: { order: ["find", "sum"] } });
    expect(json(await run(["runs", "list"], env)).items).toEqual([]);
    const { runId } = json(await orchestrate("plan.json"));
    const shown = await run(["runs", "show", runId, "--step", "find"], env);
    expect(json(shown)).toMatchObject({ step: "find", text: expect.stringContaining('"by":"A"') });
    const table = (await run(["runs", "show", runId, "--output", "table"], env)).stdout;
    expect(table).toMatch(/\nSTEP {2}STATE .*\nfind {2}done .*\nsum {3}done .*\ndone: 2 of 2 steps done/);
    const unknown = await run(["runs", "show", runId, "--step", "none"], env);
    expect(unknown.code).toBe(2);
  });

  it("is worked through at a server as here", async () => {
    const { file, orchestrate, env, folder } = await setUp();
    await file("plan.json", plan);
    const serve = await start(["serve", "--port", "0"], env);
    const away = await freshEnv({ ORCHESTRATOR_URL: String(serve.ready.url) });
    const [here, there] = [
      await orchestrate("plan.json"),
      await run(["orchestrate", "plan.json"], away, folder),
    ];
    expect(there).toMatchObject({ code: 0, stderr: expect.stringMatching(/^run run-\S+\n$/) });
    expect(json(there).value).toEqual(json(here).value);
  });
});

describe("the exit code of a plan", () => {
  const bad = { id: "bad", delegate: at("A", { fail: "no luck" }) };

  it("is 1 if it failed, 3 if it went on all the same, 5 past its deadline, 2 if it is no plan", async () => {
    const { file, orchestrate } = await setUp(["A"]);
    const code = async (steps: unknown, ...args: string[]) =>
      (await orchestrate(await file("plan.json", { steps }), ...args)).code;
    expect(await code([bad])).toBe(1);
    expect(await code([{ ...bad, onError: "continue" }])).toBe(3);
    expect(await code([{ id: "slow", delegate: at("A", { ms: 60_000 }) }], "--timeout", "1s")).toBe(5);
    expect(await code([{ id: "1" }])).toBe(2);
    expect((await orchestrate("missing.json")).code).toBe(2);
    expect((await orchestrate()).code).toBe(2);
    expect(await orchestrate(await file("list.json", []))).toMatchObject({ code: 2 });
    expect(await orchestrate(await file("text.json", "steps:"))).toMatchObject({ code: 2 });
  });

  it("is 2 with every problem of a plan that is wrong, and nothing was sent", async () => {
    const { file, orchestrate, env } = await setUp(["A"]);
    const ended = await orchestrate(
      await file("plan.json", {
        steps: [
          { ...bad, needs: ["x"] },
          { id: "z", fanout: { targets: ["Z"] } },
        ],
      }),
    );
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(errorOf(ended)).toMatchObject({
      code: "bad_request",
      details: { problems: [{ at: "steps[0].needs[0]" }, { at: "steps[1].fanout.targets" }] },
    });
    expect(json(await run(["runs", "list"], env)).items).toEqual([]);
    expect(errorOf(await orchestrate("plan.json", "--input", "topic")).message).toContain("--input topic");
  });

  it("is 6 when the wait is over first; runs wait goes on with the plan to its end", async () => {
    const { file, orchestrate, env, folder } = await setUp();
    const ledger = join(folder, "ledger");
    const step = (id: string, more: object) => ({ id, ...more });
    const steps = [
      step("slow", { delegate: at("A", { ms: 2_000, ledger, note: "slow" }) }),
      step("next", { needs: ["slow"], delegate: at("B", { ledger, note: "next" }) }),
    ];
    const handed = await orchestrate(await file("plan.json", { steps }), "--wait", "1s");
    expect(handed).toMatchObject({ code: 6 });
    expect(json(handed)).toMatchObject({ reply: "pending", counts: { pending: 2 } });
    const { runId } = json(handed);
    expect(handed.stderr).toContain(`the plan itself goes on with the next process on this state folder`);
    expect(handed.stderr).toContain(`runs wait ${runId}`);
    const waited = await run(["runs", "wait", runId], env);
    expect(waited).toMatchObject({ code: 0 });
    expect(json(waited)).toMatchObject({ reply: "done", counts: { done: 2 } });
    expect(await readFile(ledger, "utf8")).toBe("slow\nnext\n");
  });

  it("of a plan that failed is also that of waiting for it, and 0 once it is resumed to its end", async () => {
    const { file, orchestrate, env, folder } = await setUp();
    const ledger = join(folder, "ledger");
    const steps = [
      { id: "one", delegate: at("A", { ledger, note: "one" }) },
      {
        id: "two",
        needs: ["one"],
        delegate: at("B", { ledger, note: "two", failOnce: join(folder, "once") }),
      },
      { id: "three", needs: ["two"], delegate: at("A", { ledger, note: "three" }) },
    ];
    const failed = await orchestrate(await file("plan.json", { steps }));
    expect(failed.code).toBe(1);
    const { runId, error } = json(failed);
    expect(error).toMatchObject({ code: "instance_error", message: expect.stringContaining("Step two: ") });
    expect((await run(["runs", "wait", runId], env)).code).toBe(1);
    const resumed = await orchestrate("--resume", runId);
    expect(resumed).toMatchObject({ code: 0 });
    expect(json(resumed)).toMatchObject({ runId, reply: "done", counts: { done: 3 } });
    expect(await readFile(ledger, "utf8")).toBe("one\ntwo\ntwo\nthree\n");
    const again = await orchestrate("--resume", runId);
    expect([again.code, errorOf(again).code]).toEqual([1, "conflict"]);
  });

  it("is 130 after Ctrl-C, which reaches everything in flight, and says what is known of each step", async () => {
    const { file, env, folder, inFlight } = await setUp();
    const steps = [
      { id: "slow", delegate: at("A", { ms: 60_000 }) },
      { id: "many", forEach: [1, 2], delegate: at("B", { ms: 60_000 }) },
      { id: "end", needs: ["slow", "many"], delegate: at("A", 1) },
    ];
    await file("plan.json", { steps });
    const child = spawn(NODE, [PROGRAM, "orchestrate", "plan.json"], { env, cwd: folder });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    const closed = once(child, "close");
    await expect.poll(() => inFlight("A"), { timeout: 20_000 }).toBe(1);
    await expect.poll(() => inFlight("B"), { timeout: 20_000 }).toBe(2);
    child.kill("SIGINT");
    expect(await closed).toEqual([130, null]);
    expect(JSON.parse(said.stdout)).toMatchObject({ reply: "cancelled", counts: { cancelled: 3 } });
    expect(said.stderr).toContain("slow: cancelled\nmany: cancelled\nend: cancelled");
    expect([await inFlight("A"), await inFlight("B")]).toEqual([0, 0]);
  });
});

describe("on a terminal", () => {
  it("a plan shows how far each step is, and then a table and what it came to", async () => {
    const { file, env, folder } = await setUp();
    const steps = [
      { id: "first", delegate: at("A", { ms: 800 }) },
      { id: "each", needs: ["first"], forEach: [1, 2], delegate: at("B", { n: "${item}" }) },
      { id: "never", needs: ["each"], when: "${steps.each.value[?@.no]}", delegate: at("A", 1) },
    ];
    await file("plan.json", { steps, output: "it is done" });
    const { text, ended } = terminal(["orchestrate", join(folder, "plan.json")], env);
    await expect.poll(text, { timeout: 20_000 }).toMatch(/first {2}pending {2}\d/);
    const { code, screen } = await ended();
    expect(code).toBe(0);
    expect(screen).toMatch(
      /^run run-\S+\nSTEP {3}STATE {4}TIME +ITEMS {2}VALUE\nfirst {2}done .*\neach {3}done .* 2\/2 .*\nnever {2}skipped.*\ndone: 2 of 3 steps done, 0 failed, 1 skipped\n\nit is done\n$/,
    );
  });

  it("the problems of a plan that is wrong stand below one another", async () => {
    const { file, env, folder } = await setUp(["A"]);
    await file("plan.json", {
      steps: [
        { id: "a", needs: ["x"] },
        { id: "b", fanout: { targets: ["Z"] } },
      ],
    });
    const { code, screen } = await terminal(["orchestrate", join(folder, "plan.json")], env).ended();
    expect(code).toBe(2);
    expect(screen.split("\n").slice(0, 4)).toEqual([
      "bad_request: The plan is wrong:",
      "  steps[0]: give one of delegate, fanout, aggregate, session",
      "  steps[0].needs[0]: there is no step x",
      expect.stringMatching(/^ {2}steps\[1\]\.fanout\.targets: No instance is named Z\. Known: A/),
    ]);
  });
});
