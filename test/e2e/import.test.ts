import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { freshEnv, NODE, start, tempFolder } from "../support/program.ts";

const PACKAGE = pathToFileURL(join(import.meta.dirname, "../../dist/index.js")).href;

/** Runs a program that imports the built package; what it printed as JSON. It must end by itself. */
async function program(source: string, env: Record<string, string>): Promise<unknown> {
  const file = join(await tempFolder(), "program.mjs");
  await writeFile(file, `import * as orchestrator from ${JSON.stringify(PACKAGE)};\n${source}`);
  const { stdout } = await promisify(execFile)(NODE, [file], { env, timeout: 30_000 });
  return JSON.parse(stdout);
}

const ECHO = "export default async (payload) => payload;";

async function instance(env: Record<string, string>): Promise<string> {
  const file = join(await tempFolder(), "echo.mjs");
  await writeFile(file, ECHO);
  const args = ["instance", "--name", "A", "--module", file];
  return String((await start(args, { ...env, ORCHESTRATOR_CLUSTER_URL: "" })).ready.url);
}

describe('import { … } from "orchestrator-mcp"', () => {
  it("is the engine in process, with a configuration of the program's own", async () => {
    const env = await freshEnv();
    const config = JSON.stringify({
      fleet: { A: { url: await instance(env) }, B: { url: "http://127.0.0.1:9" } },
    });
    const source = `
      const fleet = orchestrator.createOrchestrator({ config: ${config}, stateDir: ${JSON.stringify(await tempFolder())}, logLevel: "silent" });
      const seen = [];
      let told;
      const answer = await fleet.fanout({ targets: "A-B", payload: 1, retries: 1 }, { onProgress: ({ instance }) => seen.push(instance), onRun: (runId) => { told = runId; } });
      const events = [];
      for await (const { event } of fleet.runsEvents({ runId: answer.runId })) events.push(event);
      const bad = await fleet.delegate({ instances: ["A"], wait: "soon" }).catch((error) => error instanceof orchestrator.OrchestratorError && error.message);
      const aborted = await fleet.delegate({ instances: ["A"] }, { signal: AbortSignal.abort() }).catch(({ code }) => code);
      await fleet.close();
      console.log(JSON.stringify({ counts: answer.counts, told: told === answer.runId, seen: seen.sort(), events, bad, aborted }));`;
    expect(await program(source, env)).toEqual({
      counts: { total: 2, done: 1, failed: 1, pending: 0, cancelled: 0 },
      told: true,
      seen: ["A", "B"],
      events: ["outcome", "outcome", "end"],
      bad: expect.stringContaining("wait:"),
      aborted: "cancelled",
    });
  });

  it("says of each call what is wrong with its configuration, and which field", async () => {
    const source = `
      const fleet = orchestrator.createOrchestrator({ config: { fleat: {} } });
      const error = await fleet.health().catch(({ code, message }) => ({ code, message }));
      await fleet.close();
      console.log(JSON.stringify(error));`;
    expect(await program(source, await freshEnv())).toEqual({
      code: "bad_request",
      message: expect.stringContaining("config.fleat: no such field; did you mean fleet?"),
    });
  });

  it("is the client of a running server, with the same methods", async () => {
    const env = await freshEnv();
    const serve = await start(["serve", "--port", "0"], {
      ...env,
      ORCHESTRATOR_CLUSTER_URL: "",
      ORCHESTRATOR_INSTANCES: `A=${await instance(env)}`,
    });
    const source = `
      const server = new orchestrator.OrchestratorClient({ url: ${JSON.stringify(serve.ready.url)} });
      const answer = await server.delegate({ instances: ["A"], payload: { n: 1 } });
      const health = await server.health();
      await server.close();
      console.log(JSON.stringify({ result: answer.result, health: health.map(({ instance, state }) => [instance, state]) }));`;
    expect(await program(source, env)).toEqual({ result: { n: 1 }, health: [["A", "healthy"]] });
  });
});
