import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { caller, onEnd, type TestHost } from "./harness.ts";

const program = fileURLToPath(new URL("host-process.ts", import.meta.url));

async function startProcess(folder: string): Promise<{ child: ChildProcess; call: TestHost["call"] }> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", program, join(folder, "journal.db"), join(folder, "runs")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  onEnd(() => kill(child));
  const ended = once(child, "exit").then(() =>
    Promise.reject(new Error("the host ended before it listened")),
  );
  const [line] = (await Promise.race([once(child.stdout!, "data"), ended])) as [Buffer];
  return { child, call: caller(line.toString().trim()) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

it("A host that was killed comes back with its journal, its sessions and no second execution", async () => {
  const folder = await mkdtemp(join(tmpdir(), "host-kill-"));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  const runs = async () => (await readFile(join(folder, "runs"), "utf8")).trim().split("\n");
  const before = await startProcess(folder);
  const health = async ({ call }: typeof before) => (await call("GET", "/api/health/check")).body;
  const post = ({ call }: typeof before, payload: string) =>
    call("POST", "/api/tasks", { payload }, { "idempotency-key": payload, prefer: "wait=10" });
  const { id } = (await before.call("POST", "/api/sessions", { sessionId: "s", epoch: 1 })).body;
  const say = ({ call }: typeof before, data: string, seq: number) =>
    call("POST", `/api/sessions/${id}/messages`, { data, seq, epoch: 1 });

  const done = (await post(before, "done")).body;
  expect((await say(before, "one", 1)).body.result).toEqual(["one"]);
  const buried = (await before.call("DELETE", "/api/tasks?key=buried")).body;
  const lost = post(before, "hang").catch((error: Error) => error.message);
  await vi.waitFor(async () => expect(await runs()).toContain('"hang"'));
  const { storeId } = await health(before);
  await kill(before.child);
  expect(await lost).toEqual(expect.any(String));

  const after = await startProcess(folder);
  expect((await health(after)).storeId).toBe(storeId);
  expect(buried.storeId).toBe(storeId);
  expect((await post(after, "hang")).body).toMatchObject({ reply: "failed", error: { code: "interrupted" } });
  expect((await post(after, "done")).body).toEqual(done);
  expect((await post(after, "buried")).body.reply).toBe("cancelled");
  expect((await say(after, "two", 2)).body.result).toEqual(["one", "two"]);
  expect(await runs()).toEqual(['"done"', '"one"', '"hang"', '"two"']);
}, 90_000);
