import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Worker {
  child: ChildProcessWithoutNullStreams;
  /** The next line that it says; rejects with what it wrote to stderr if it ends without one. */
  next(): Promise<unknown>;
  /** Has it call a method of the store; what it said of it. */
  call(...call: string[]): Promise<unknown>;
  /** Ends its input, so that it ends; its exit code. */
  end(): Promise<number | null>;
}

/** Starts `worker.ts` as a process. */
export function spawnWorker(task: string, path: string, ...args: string[]): Worker {
  const script = fileURLToPath(new URL("worker.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, task, path, ...args]);
  const exit = once(child, "close");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  return {
    child,
    async next() {
      const { value, done } = await lines.next();
      if (!done) return JSON.parse(value);
      await exit;
      throw new Error(`The worker ended: ${errors}`);
    },
    async call(...call) {
      child.stdin.write(`${JSON.stringify(call)}\n`);
      return await this.next();
    },
    async end() {
      child.stdin.end();
      const [code] = await exit;
      return code as number | null;
    },
  };
}
