import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { httpClient, type Reply } from "../support/http.ts";
import { freshEnv, NODE, PROGRAM, run, type Started, start, tempFolder } from "../support/program.ts";

const KEY = "the-key-of-this-test";

/** Calls a started server with a key. */
function callsTo({ ready }: Started, key = KEY) {
  const client = httpClient();
  onTestFinished(() => client.close());
  return (method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Reply> =>
    client.call(method, `${ready.url ?? ready.cluster}${path}`, {
      ...(body !== undefined && { body }),
      headers: { authorization: `Bearer ${key}` },
    });
}

/** An instance whose handler is the given module. */
async function handler(source: string): Promise<string> {
  const file = join(await tempFolder(), "handler.mjs");
  await writeFile(file, source);
  return file;
}

/** Answers with its payload after `ms`, and stops when it is told to. */
const SLOW_ECHO = `export default (payload, { signal }) => new Promise((resolve, reject) => {
  setTimeout(resolve, payload.ms ?? 0, payload);
  signal.addEventListener("abort", () => reject(signal.reason));
});`;

/** `orchestrator serve` over a fleet that its configuration names. */
async function serve(fleet: Record<string, string>, args: string[] = [], key = KEY): Promise<Started> {
  const folder = await tempFolder();
  const config = join(folder, "config.json");
  const entries = Object.entries(fleet).map(([name, url]) => [name, { url, tags: ["pool"] }]);
  await writeFile(config, JSON.stringify({ fleet: Object.fromEntries(entries) }));
  const env = await freshEnv({ ORCHESTRATOR_API_KEY: key, ORCHESTRATOR_CLUSTER_URL: "" });
  return start(["serve", "--port", "0", "--config", config, ...args], env);
}

async function instance(name: string, source: string): Promise<string> {
  const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY, ORCHESTRATOR_CLUSTER_URL: "" });
  const { ready } = await start(["instance", "--name", name, "--module", await handler(source)], env);
  return String(ready.url);
}

describe("a fleet that is an instance of another fleet", () => {
  it("passes its tasks on, through three levels", async () => {
    const leaves = {
      A: await instance("A", "export default async (payload) => ({ from: 'A', payload });"),
      B: await instance("B", "export default async (payload) => ({ from: 'B', payload });"),
    };
    const low = await serve(leaves, ["--name", "LOW", "--pool", "tag:pool", "--mode", "fanout"]);
    const mid = await serve({ LOW: String(low.ready.url) }, ["--name", "MID", "--pool", "LOW"]);
    const top = await serve({ MID: String(mid.ready.url) });
    const call = callsTo(top);
    const { status, body } = await call("POST", "/orchestrator/route", {
      instances: ["MID"],
      payload: { n: 1 },
    });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.result).toEqual([
      { instance: "A", reply: "done", result: { from: "A", payload: { n: 1 } } },
      { instance: "B", reply: "done", result: { from: "B", payload: { n: 1 } } },
    ]);
    expect((await call("POST", "/orchestrator/route", { instances: ["MID"] })).body.result.does).toContain(
      "MID",
    );
    expect((await call("GET", "/orchestrator/health")).body).toEqual({ MID: "healthy" });
    const [run] = (await callsTo(low)("GET", "/orchestrator/runs")).body.items;
    expect(run).toMatchObject({ operation: "fanout", createdBy: "fleet:LOW", counts: { done: 2 } });
    expect(
      await call("POST", "/orchestrator/sessions/spawn", { sessionId: "s", instance: "MID" }),
    ).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining("keeps no sessions") } },
    });
  });

  it("ends a loop with loop_detected", async () => {
    const folder = await tempFolder();
    const config = join(folder, "config.json");
    await writeFile(config, "{}");
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY, ORCHESTRATOR_CLUSTER_URL: "" });
    const round = await start(
      ["serve", "--port", "0", "--config", config, "--name", "ROUND", "--pool", "ROUND"],
      env,
    );
    await writeFile(config, JSON.stringify({ fleet: { ROUND: { url: round.ready.url } } }));
    const call = callsTo(round);
    await expect
      .poll(async () => (await call("GET", "/orchestrator/health")).body.ROUND, { timeout: 10_000 })
      .toBe("healthy");
    const { status, body } = await call("POST", "/orchestrator/route", { instances: ["ROUND"], payload: 1 });
    expect([status, body.error.code]).toEqual([508, "loop_detected"]);
  });

  it("is registered with the other fleet's cluster where it is told to, and cancelled with its task", async () => {
    const a = await instance("A", SLOW_ECHO);
    const top = await serve({});
    const low = await serve({ A: a }, [
      "--name",
      "WEST",
      "--pool",
      "A",
      "--cluster",
      String(top.ready.url),
      "--tags",
      "far",
    ]);
    const call = callsTo(top);
    await expect
      .poll(async () => (await call("GET", "/orchestrator/health")).body.WEST, { timeout: 10_000 })
      .toBe("healthy");
    const { body } = await call("POST", "/orchestrator/route", {
      instances: "tag:far",
      payload: { ms: 30_000 },
      wait: "500ms",
    });
    expect((await call("DELETE", `/orchestrator/runs/${body.runId}`)).body.outcomes).toMatchObject([
      { instance: "WEST", reply: "cancelled" },
    ]);
    const [run] = (await callsTo(low)("GET", "/orchestrator/runs")).body.items;
    expect(run).toMatchObject({ state: "ended", counts: { cancelled: 1 } });
  });
});

describe("orchestrator serve", () => {
  it("refuses to listen beyond loopback without a key", async () => {
    const { code, stderr } = await run(["serve", "--host", "0.0.0.0", "--port", "0"], await freshEnv());
    expect(code).toBe(2);
    expect(stderr).toContain("ORCHESTRATOR_API_KEY");
  });

  it("lets in the keys that keys new made, with their scopes, as soon as the configuration has them", async () => {
    const { stdout } = await run(["keys", "new", "--scope", "read", "--name", "dashboard"], await freshEnv());
    const { key, entry } = JSON.parse(stdout);
    expect(entry).toMatchObject({
      name: "dashboard",
      scopes: ["read"],
      hash: expect.stringMatching(/^sha256-/),
    });
    const config = join(await tempFolder(), "config.json");
    await writeFile(config, "{}");
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY });
    const served = await start(["serve", "--port", "0", "--config", config], env);
    const call = callsTo(served, key);
    expect((await call("GET", "/orchestrator/runs")).status).toBe(401);
    await writeFile(config, JSON.stringify({ keys: [entry] }));
    await expect
      .poll(async () => (await call("GET", "/orchestrator/runs")).status, { timeout: 10_000 })
      .toBe(200);
    expect((await call("POST", "/orchestrator/route", { instances: ["A"] })).status).toBe(403);
    expect(served.stderr()).not.toContain(key);
    expect(served.stderr()).not.toContain(KEY);
  });

  it("logs each request as a line of JSON with its run, and neither query nor body", async () => {
    const served = await serve({ A: await instance("A", SLOW_ECHO) });
    const call = callsTo(served);
    const { body } = await call("POST", "/orchestrator/route", {
      instances: ["A"],
      payload: { secret: "s3cr3t" },
    });
    await call("GET", "/orchestrator/runs?limit=3");
    const line = () =>
      served
        .stderr()
        .split("\n")
        .filter((text) => text.includes('"request"'))
        .map((text) => JSON.parse(text));
    await expect.poll(() => line().length).toBe(2);
    expect(line()).toMatchObject([
      {
        level: "info",
        method: "POST",
        status: 200,
        runId: body.runId,
        instance: "A",
        requestId: expect.any(String),
      },
      { method: "GET", path: "/orchestrator/runs" },
    ]);
    expect(served.stderr()).not.toContain("s3cr3t");
    expect(served.stderr()).not.toContain(KEY);
  });

  it("ends within its grace, and the handle that it gave is finished by the next one", async () => {
    const a = await instance("A", SLOW_ECHO);
    const folder = await tempFolder();
    const config = join(folder, "config.json");
    await writeFile(config, JSON.stringify({ fleet: { A: { url: a } } }));
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY, ORCHESTRATOR_CLUSTER_URL: "" });
    const args = ["serve", "--port", "0", "--config", config];
    const first = await start(args, env);
    const call = callsTo(first);
    const waiting = call("POST", "/orchestrator/route", { instances: ["A"], payload: { ms: 15_000 } });
    await expect.poll(async () => (await call("GET", "/orchestrator/runs")).body.items.length).toBe(1);
    first.process.kill("SIGTERM");
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 202, body: { reply: "pending", survivesExit: true } });
    await once(first.process, "exit");
    expect(first.process.exitCode).toBe(0);
    const next = callsTo(await start(args, env));
    expect((await next("GET", `/orchestrator/runs/${answer.body.runId}?wait=30`)).body).toMatchObject({
      state: "ended",
      outcomes: [{ instance: "A", reply: "done", result: { ms: 15_000 } }],
    });
  });

  it("loses nothing when it is killed under load and started again", async () => {
    const a = await instance("A", SLOW_ECHO);
    const b = await instance("B", SLOW_ECHO);
    const folder = await tempFolder();
    const config = join(folder, "config.json");
    await writeFile(config, JSON.stringify({ fleet: { A: { url: a }, B: { url: b } } }));
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY, ORCHESTRATOR_CLUSTER_URL: "" });
    const args = ["serve", "--port", "0", "--config", config];
    let served = await start(args, env);
    let call = callsTo(served);
    /** A call under its own key, until it has an answer: a lost one is made again under the same key. */
    const insist = async (n: number) => {
      const body = {
        instances: n % 2 ? ["A", "B"] : ["B", "A"],
        payload: { n, ms: n % 5 },
        idempotencyKey: `k${n}`,
      };
      for (;;) {
        const answer = await call("POST", "/orchestrator/route", body).catch(() => undefined);
        if (answer?.status === 200) return answer.body;
        if (answer && answer.status !== 202 && answer.body.error.code !== "interrupted") return answer.body;
        if (answer?.body.error?.delivery === "not_sent") return answer.body;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const calls = 400;
    let next = 0;
    const answers = new Map<number, Record<string, unknown>>();
    const lane = async () => {
      while (next < calls) {
        const n = next++;
        answers.set(n, await insist(n));
      }
    };
    const lanes = Promise.all(Array.from({ length: 16 }, lane));
    for (let kill = 0; kill < 3; kill++) {
      const until = Math.min(calls - 50, next + 80);
      await expect.poll(() => next, { timeout: 30_000 }).toBeGreaterThanOrEqual(until);
      served.process.kill("SIGKILL");
      await once(served.process, "exit");
      served = await start(args, env);
      call = callsTo(served);
    }
    await lanes;
    const runs = new Map<string, { state: string }>();
    for (let after = ""; ; ) {
      const { body } = await call("GET", `/orchestrator/runs?limit=1000${after && `&after=${after}`}`);
      for (const each of body.items) runs.set(each.runId, each);
      if (body.next === undefined) break;
      after = body.next;
    }
    for (const [n, answer] of answers) {
      // Each was done, or is known not to have been sent: that one may be made again under another key.
      const error = answer.error as { delivery?: string; runId?: string } | undefined;
      if (error) expect(error.delivery, `${n}: ${JSON.stringify(answer)}`).toBe("not_sent");
      else expect(answer.result).toEqual({ n, ms: n % 5 });
      expect(runs.get(String(answer.runId ?? error?.runId))?.state).toBe("ended");
    }
    expect([...runs.values()].filter(({ state }) => state === "open")).toEqual([]);
    // One run for each key, however often it was killed.
    expect(runs.size).toBe(calls);
  });

  it("hangs up on who sends a byte now and then, and goes on with the others", async () => {
    const served = await serve({});
    const socket = connect(Number(new URL(String(served.ready.url)).port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", () => {});
    socket.write("GET /orchestrator/health HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    const drip = setInterval(() => socket.write("x"), 1_000);
    onTestFinished(() => clearInterval(drip));
    expect((await callsTo(served)("GET", "/api/health/check")).status).toBe(200);
    await once(socket, "close");
    expect(answer).toContain("408");
  }, 60_000);

  it("is a program like any other: two on one port say so, and a closed stdout does not end it", async () => {
    const served = await serve({});
    const { port } = new URL(String(served.ready.url));
    const second = await run(["serve", "--port", port], await freshEnv());
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`Port ${port}`);
    const cwd = await tempFolder();
    await mkdir(join(cwd, "sub"));
    const child = spawn(NODE, [PROGRAM, "serve", "--port", "0"], {
      env: await freshEnv(),
      cwd,
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    child.stdout.destroy();
    const { url } = JSON.parse(line.toString());
    const client = httpClient();
    onTestFinished(() => client.close());
    expect((await client.call("GET", `${url}/api/health/check`)).status).toBe(200);
  });
});
