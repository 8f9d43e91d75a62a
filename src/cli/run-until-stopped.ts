import type { Running } from "./actions.ts";
import { EXIT } from "./exit.ts";
import { say } from "./output.ts";

const GRACE_MS = 10_000;
const LEFT_BEHIND_MS = 500;

/**
 * Runs what was started until a signal, its parent's going, or its own end; the exit code. A first
 * signal lets it finish what runs; a second one does not wait for that.
 */
export async function runUntilStopped(running: Running): Promise<number> {
  const code = await new Promise<number>((resolve) => {
    const stopped = (exitCode: number) => () => resolve(exitCode);
    process.once("SIGINT", stopped(EXIT.interrupted));
    process.once("SIGTERM", stopped(EXIT.done));
    process.once("SIGHUP", stopped(EXIT.done));
    // Started by `up`: without it nobody would ever stop us.
    if (process.connected) process.once("disconnect", stopped(EXIT.done));
    void running.ended?.then(stopped(EXIT.done));
  });
  const now = () => {
    say("Stopped without waiting for what still runs.");
    process.exit(EXIT.interrupted);
  };
  process.once("SIGINT", now).once("SIGTERM", now);
  if (code === EXIT.interrupted) await running.interrupt?.();
  await running.stop(GRACE_MS);
  // The channel to a parent that is watched for its end would keep this process alive.
  if (process.connected) process.disconnect();
  // A worker's own code may have left timers or sockets behind: nothing of ours waits for those.
  setTimeout(() => process.exit(code), LEFT_BEHIND_MS).unref();
  return code;
}
