import { type ChildProcess, spawn } from "node:child_process";
import type {
  ProgramChoice,
  Running,
  StartedInstance,
  UpCommand,
  UpEvent,
  WorkerChoice,
} from "../cli/actions.ts";
import { OrchestratorError } from "../core/errors.ts";

/** What a child tells its parent. */
type ChildMessage =
  | { event: "ready"; url: string; pid: number; facts?: Record<string, unknown> }
  | { event: "progress"; done: number; total: number };

interface Child {
  name: string;
  process: ChildProcess;
  ready: Promise<ChildMessage & { event: "ready" }>;
  ended: Promise<string>;
}

/**
 * Starts a cluster and instances, each a process of its own. They end with this process, however it
 * ends: each of them watches the channel to it.
 *
 * @param program the script that is the command line.
 * @throws OrchestratorError when one of them does not come up; then all are stopped again.
 */
export async function startFleet(
  program: string,
  { names, worker, host, port }: UpCommand,
  onEvent: (event: UpEvent) => void,
): Promise<Running & { cluster: string; instances: StartedInstance[] }> {
  const children: Child[] = [];
  let stopping = false;
  const start = (name: string, args: readonly string[], env: Record<string, string> = {}): Child => {
    const child = launch(program, { name, args, env }, (message) => {
      if (message.event === "progress") onEvent({ instance: name, ...message });
    });
    children.push(child);
    void child.ready
      .then(() => child.ended)
      .then((how) => stopping || onEvent({ event: "ended", instance: name, how }))
      .catch(() => {});
    return child;
  };
  const stop = async (graceMs: number) => {
    stopping = true;
    await Promise.all(children.map((child) => end(child, graceMs)));
  };

  try {
    // It is the cluster: whichever other one the environment names is none of this fleet's.
    const own = { ORCHESTRATOR_CLUSTER_URL: "" };
    const serve = ["serve", "--host", host, "--port", String(port)];
    const cluster = (await start("cluster", serve, own).ready).url;
    const instances = await Promise.all(
      names.map(async (name, index) => {
        const share = { index, of: names.length };
        const args = [
          "instance",
          "--name",
          name,
          "--host",
          host,
          "--cluster",
          cluster,
          ...workerArguments(worker, share),
        ];
        const { url, pid, facts = {} } = await start(name, args).ready;
        const instance = { instance: name, url, pid, facts };
        onEvent({ event: "started", instance });
        return instance;
      }),
    );
    const allEnded = Promise.all(children.map((child) => child.ended)).then(() => {});
    return { cluster, instances, stop, ended: allEnded };
  } catch (error) {
    await stop(1_000);
    throw error;
  }
}

function launch(
  program: string,
  { name, args, env }: { name: string; args: readonly string[]; env: Record<string, string> },
  onMessage: (message: ChildMessage) => void,
): Child {
  const child = spawn(process.execPath, [program, ...args], {
    // Of its own group, so that a Ctrl-C reaches us alone, and we let them finish.
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ORCHESTRATOR_LOG_LEVEL: "warn", ...process.env, ...env },
  });
  // What keeps it from starting is told as ours; from then on it speaks for itself.
  const errors: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const ready = new Promise<ChildMessage & { event: "ready" }>((resolve, reject) => {
    child.on("message", (message: ChildMessage) => {
      onMessage(message);
      if (message.event !== "ready") return;
      child.stderr?.removeAllListeners("data").pipe(process.stderr, { end: false });
      resolve(message);
    });
    void ended.then((how) => reject(notStarted(name, how, errors.join(""))));
  });
  ready.catch(() => {});
  return { name, process: child, ready, ended };
}

function notStarted(name: string, how: string, errors: string): OrchestratorError {
  const last = errors.trim().split("\n").at(-1) ?? "";
  try {
    const { error } = JSON.parse(last) as { error: Parameters<typeof OrchestratorError.fromBody>[0] };
    return OrchestratorError.fromBody({ ...error, message: `${name} did not start: ${error.message}` });
  } catch {
    return new OrchestratorError("internal", `${name} did not start: ${how}. ${last}`);
  }
}

async function end(child: Child, graceMs: number): Promise<void> {
  child.process.kill("SIGTERM");
  // Past its own grace it still has to end its worker's processes, which nobody else would.
  const timer = setTimeout(() => child.process.kill("SIGKILL"), graceMs + 8_000);
  await child.ended;
  clearTimeout(timer);
}

function workerArguments(worker: WorkerChoice, share: { index: number; of: number }): string[] {
  switch (worker.kind) {
    case "search":
      return [
        ...["--worker", "search", "--share", `${share.index + 1}/${share.of}`, "--tags", "search"],
        ...(worker.root === undefined ? [] : ["--root", worker.root]),
        ...(worker.only ? ["--only", ...worker.only] : []),
      ];
    case "module":
      return ["--worker", "module", "--module", worker.path];
    case "exec":
      return ["--worker", "exec", ...programArguments(worker), "--", ...worker.command];
    case "agent":
      return ["--agent", worker.agent, ...programArguments(worker), "--", ...worker.args];
  }
}

function programArguments({ cwd, env = [], timeoutMs, outputLimit }: ProgramChoice): string[] {
  return [
    ...(cwd === undefined ? [] : ["--cwd", cwd]),
    ...env.flatMap((name) => ["--env", name]),
    ...(timeoutMs === undefined ? [] : ["--task-timeout", `${timeoutMs}ms`]),
    ...(outputLimit === undefined ? [] : ["--output-limit", String(outputLimit)]),
  ];
}
