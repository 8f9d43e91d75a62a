import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Processes } from "../core/ports.ts";

/**
 * Processes of this machine. An identity is host, boot, pid and start, so that a pid that was given out
 * again is told from the process that had it.
 */
export function systemProcesses(): Processes {
  const host = hostname();
  const boot = read("/proc/sys/kernel/random/boot_id").trim();
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Clock ticks from boot to the process's start, where `/proc` tells (proc(5), field 22). */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  // The second field, the program's name, may hold spaces and brackets of its own.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
