import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { expect, it, vi } from "vitest";
import { freshEnv, isRunning, start, tempFolder } from "../support/program.ts";

it("A command that an instance left running when it was killed is ended at the instance's next start", async () => {
  const env = await freshEnv();
  const note = join(await tempFolder(), "pid");
  const args = [
    "instance",
    "--name",
    "A",
    "--",
    "sh",
    "-c",
    `echo $$ > ${note}.part; mv ${note}.part ${note}; sleep 60`,
  ];
  const task = async (url: unknown) => {
    const answer = await request(`${url}/api/tasks`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "k", prefer: "wait=20" },
      body: '{"payload":1}',
    });
    return answer.body.json();
  };
  const before = await start(args, env);
  const lost = task(before.ready.url).catch((error: Error) => error);
  const pid = Number(await vi.waitFor(() => readFile(note, "utf8"), { timeout: 10_000, interval: 20 }));
  await before.end("SIGKILL");
  expect(await lost).toBeInstanceOf(Error);
  expect(isRunning(pid)).toBe(true);

  const after = await start(args, env);
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 5_000 });
  expect(await task(after.ready.url)).toMatchObject({ reply: "failed", error: { code: "interrupted" } });
  // It was killed once and is not there again: the key is never run a second time.
  expect(Number(await readFile(note, "utf8"))).toBe(pid);
}, 60_000);
