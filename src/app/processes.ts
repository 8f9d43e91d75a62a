import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Processes } from "../core/ports.ts";

/**
 * Processes of this machine. An identity is host, boot, pid and start, so that a pid that was given out
 * again is told from the process that had it.
 */
export function systemProcesses(): Processes {
  const host = hostname();
  const boot = bootId();
  return {
    self: JSON.stringify([host, boot, process.pid, startOf(process.pid)]),
    isGone(processId) {
      const [thatHost, thatBoot, pid, start] = JSON.parse(processId) as [string, string, number, string];
      // Of another machine's processes nothing is known.
      if (thatHost !== host) return false;
      return thatBoot !== boot || !isRunning(pid) || startOf(pid) !== start;
    },
  };
}

/** The identity of the process that has a pid now; `undefined` when none has it, or its start is not told. */
export function identify(pid: number): string | undefined {
  const start = startOf(pid);
  return start === "" ? undefined : JSON.stringify([hostname(), bootId(), pid, start]);
}

function bootId(): string {
  return read("/proc/sys/kernel/random/boot_id").trim();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started: clock ticks since boot where there is `/proc` (proc(5), field 22), else ps's words. */
function startOf(pid: number): string {
  if (process.platform !== "linux") return startByPs(pid);
  const stat = read(`/proc/${pid}/stat`);
  // The second field, the program's name, may hold spaces and brackets of its own.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function startByPs(pid: number): string {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  return (
    spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { env, encoding: "utf8" }).stdout?.trim() ?? ""
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
