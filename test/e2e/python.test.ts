import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import { describe, expect, it } from "vitest";
import { type Ended, freshEnv, start, tempFolder } from "../support/program.ts";

// The Python client, by its own tests: they know it as a Python program does.

const folder = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const CLIENT = folder("skill/scripts/orchestrator_client.py");
const TESTS = folder("test/python");

/** Echoes under its instance's name, and does as `sleep` (seconds), `fail` (words) and `chars` (how many) say. */
const WORKER = `
import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
const by = process.argv[process.argv.indexOf("--name") + 1];
export default async (payload, { signal, session }) => {
  if (payload.ledger) await appendFile(payload.ledger, "done by " + by + "\\n");
  if (payload.sleep) await sleep(payload.sleep * 1000, undefined, { signal });
  if (payload.fail) throw new Error(payload.fail);
  if (payload.chars) return "é".repeat(payload.chars);
  return { by, got: payload, once: randomUUID(), ...(session && { before: session.history.length }) };
};
`;

async function workerFile(): Promise<string> {
  const file = join(await tempFolder(), "worker.mjs");
  await writeFile(file, WORKER);
  return file;
}

/** Runs Python, for which every warning is an error. */
function python(args: string[], env: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env, cwd: TESTS, timeout: 90_000 };
    execFile("python3", ["-B", "-W", "error", ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

/** Runs the tests of a module; how it ended, and how many tests it has and ran. */
async function unittest(module: string, env: Record<string, string>) {
  const source = await readFile(join(TESTS, `${module}.py`), "utf8");
  const { code, stderr } = await python(["-m", "unittest", module], env);
  const ran = Number(/^Ran (\d+) tests? in/m.exec(stderr)?.[1]);
  return {
    code,
    ran,
    has: source.match(/^ {4}def test_/gm)?.length,
    last: stderr.trimEnd().split("\n").at(-1),
    stderr,
  };
}

describe("the Python client", () => {
  it("is one file that Python 3.9 reads, of the standard library alone", async () => {
    const script = `
import ast, pathlib, sys
source = pathlib.Path(sys.argv[1]).read_text("utf-8")
tree = ast.parse(source, feature_version=(3, 9))
compile(source, sys.argv[1], "exec")
typing_only = [node for node in tree.body if isinstance(node, ast.If) and node.test.id == "TYPE_CHECKING"]
for each in typing_only:
    tree.body.remove(each)
found = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
names = {(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0] for node in found}
known = getattr(sys, "stdlib_module_names", names)  # since 3.10
assert names and names <= known, names - known
`;
    expect(await python(["-c", script, CLIENT], await freshEnv())).toMatchObject({ code: 0, stderr: "" });
  });

  it("makes a call again only where that is safe, whatever a server does", async () => {
    const { code, ran, has, last, stderr } = await unittest("test_faults", await freshEnv());
    expect({ code, ran, last }, stderr).toEqual({ code: 0, ran: has, last: "OK" });
    expect(ran).toBeGreaterThanOrEqual(40);
  }, 90_000);

  it("does at a real orchestrator all that its API offers", async () => {
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: "the-key-of-this-test" });
    const up = await start(["up", "--port", "0", "--instances", "A-C", "--module", await workerFile()], env);
    const { code, ran, has, last, stderr } = await unittest("test_client", {
      ...env,
      ORCHESTRATOR_URL: up.ready.cluster as string,
    });
    expect({ code, ran, last }, stderr).toEqual({ code: 0, ran: has, last: "OK" });
    expect(ran).toBeGreaterThanOrEqual(34);
  }, 90_000);

  it("gets the answer of the one run when the server is killed under its call and starts again", async () => {
    const env = await freshEnv();
    const instance = await start(["instance", "--name", "A", "--module", await workerFile()], env);
    const own = { ...env, ORCHESTRATOR_INSTANCES: `A=${instance.ready.url}` };
    const first = await start(["serve", "--port", "0"], own);
    const url = first.ready.url as string;
    const ledger = join(await tempFolder(), "ledger");
    const script = `
import json, sys
import support
from orchestrator_client import OrchestratorClient, ServerUnreachable
given = {}
for _ in range(20):
    try:
        print(json.dumps(OrchestratorClient().route("A", {"ledger": sys.argv[1], "sleep": 2}, **given)))
        break
    except ServerUnreachable as error:
        given = {"idempotency_key": error.details["idempotencyKey"]}
`;
    const answered = python(["-c", script, ledger], { ...env, ORCHESTRATOR_URL: url });
    const inFlight = async () => {
      const { body } = await request(`${instance.ready.url}/api/health/check`);
      return ((await body.json()) as { inFlight: number }).inFlight;
    };
    await expect.poll(inFlight, { timeout: 15_000 }).toBe(1);
    await first.end("SIGKILL");
    await start(["serve", "--port", new URL(url).port], own);
    const { code, stdout, stderr } = await answered;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ reply: "done", result: { by: "A", got: { ledger } } });
    expect(await readFile(ledger, "utf8")).toBe("done by A\n");
  });
});
