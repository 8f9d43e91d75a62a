import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { identify } from "../../../src/app/processes.ts";
import { Cancellation } from "../../../src/core/cancellation.ts";
import { OrchestratorError } from "../../../src/core/errors.ts";
import { createExecWorker } from "../../../src/host/workers/exec.ts";
import { GROUP_MARK, openGroupRecords } from "../../../src/host/workers/group-records.ts";
import { recordingLogger } from "../../support/logger.ts";
import { folderOf } from "./folder.ts";

const open = (folder: string) => openGroupRecords({ folder, identify, logger: recordingLogger() });

/** A command in a group of its own, which this test ends at last. */
function command(script: string, env: NodeJS.ProcessEnv = {}): ChildProcess & { pid: number } {
  const child = spawn("sh", ["-c", script], { detached: true, env: { ...process.env, ...env } });
  onTestFinished(() => {
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch {
      // It has ended, which most of these tests are about.
    }
  });
  return child as ChildProcess & { pid: number };
}

function groupIsThere(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the records of process groups", () => {
  it("end at the next start what is still running, with all that it started, and forget it", async () => {
    const folder = await folderOf();
    const left = command("sleep 60 & sleep 60");
    (await open(folder)).keep(left.pid);
    const ended = once(left, "exit");
    await open(folder);
    expect((await ended)[1]).toBe("SIGTERM");
    await vi.waitFor(() => expect(groupIsThere(left.pid)).toBe(false));
    expect(await readdir(folder)).toEqual([]);
  });

  it("spare a process that has got the pid of a recorded one", async () => {
    const folder = await folderOf();
    const other = command("sleep 60");
    (await open(folder)).keep(other.pid);
    const file = join(folder, String(other.pid));
    const record = JSON.parse(await readFile(file, "utf8"));
    await writeFile(file, JSON.stringify({ ...record, identity: `${record.identity} earlier` }));
    await open(folder);
    expect(groupIsThere(other.pid)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(process.platform !== "linux").each([
    ["end", "that the leader has left, if it bears the mark", true],
    ["spare", "that the leader has left, if it is not ours", false],
  ])("%s a group %s", async (_, __, ours) => {
    const folder = await folderOf();
    const groups = await open(folder);
    const leader = command("sleep 60 & read line", { [GROUP_MARK]: ours ? groups.mark : "another's" });
    groups.keep(leader.pid);
    const exited = once(leader, "exit");
    leader.stdin?.end("\n");
    await exited;
    expect(groupIsThere(leader.pid)).toBe(true);
    await open(folder);
    await vi.waitFor(() => expect(groupIsThere(leader.pid)).toBe(!ours));
  });

  it("survive a record that was not written to its end", async () => {
    const folder = await folderOf();
    await writeFile(join(folder, "123"), '{"leader":1');
    await open(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it("hold what a command runs, and nothing once it has ended", async () => {
    const folder = await folderOf();
    const worker = await createExecWorker({ command: ["sleep", "60"], groups: await open(folder) });
    onTestFinished(() => worker.close());
    const cancellation = new Cancellation();
    const ended = worker.run({ key: "k", hops: 0, payload: { a: 1 }, cancellation });
    expect(await readdir(folder)).toHaveLength(1);
    cancellation.cancel(new OrchestratorError("cancelled", "Enough."));
    await expect(ended).rejects.toMatchObject({ code: "cancelled" });
    expect(await readdir(folder)).toEqual([]);
  });
});
