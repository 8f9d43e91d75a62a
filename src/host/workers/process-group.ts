import { setTimeout } from "node:timers/promises";

/** How long a group that was asked to end may take before it is killed. */
const GRACE_MS = 2000;
const LOOK_EVERY_MS = 20;

/**
 * Ends every process of a group: SIGTERM, and SIGKILL for what is left after 2 s. Resolves when the
 * group is gone or was killed. `leader` is the pid of the process that was spawned `detached`.
 */
export async function endProcessGroup(leader: number): Promise<void> {
  if (!signalGroup(leader, "SIGTERM")) return;
  const killAt = performance.now() + GRACE_MS;
  while (performance.now() < killAt) {
    await setTimeout(LOOK_EVERY_MS);
    if (!signalGroup(leader, 0)) return;
  }
  signalGroup(leader, "SIGKILL");
}

const living = new Set<number>();

/** Has a group asked to end when this process exits, which leaves no time to wait for it. Returns what forgets it. */
export function endOnExit(leader: number): () => void {
  if (living.size === 0) process.on("exit", askAllToEnd);
  living.add(leader);
  return () => {
    living.delete(leader);
    if (living.size === 0) process.off("exit", askAllToEnd);
  };
}

function askAllToEnd(): void {
  for (const leader of living) signalGroup(leader, "SIGTERM");
}

/** Whether there was anybody in the group to signal. */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}
