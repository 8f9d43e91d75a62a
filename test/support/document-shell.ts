import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NODE, PROGRAM } from "./program.ts";

// What a person has who follows a document: a terminal in a folder with `orchestrator` on its PATH, one more
// for each command that goes on, and the package and the Python client to import. The blocks of one document
// share folder, variables and state. A port that a document names stands for one of the kernel's choice.

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const BLOCK_MS = 45_000;
/** What is told to end ends within its own grace of 10 s. */
const END_MS = 20_000;
/** Where `up` and `serve` listen when nothing is said. */
const DEFAULT_PORT = "7411";

const COMMAND = `#!/bin/sh
case "$1" in
  up | serve) case " $* " in *" --port "*) ;; *) set -- "$@" --port 0 ;; esac ;;
esac
exec "$TEST_NODE" "$TEST_PROGRAM" "$@"
`;

/** Variables live on from block to block, as in a terminal. */
const TAKE_VARIABLES = `set -aeo pipefail
if [ -f "$TEST_VARIABLES" ]; then . "$TEST_VARIABLES"; cd "$PWD"; fi
`;
const KEEP_VARIABLES = `trap 'export -p > "$TEST_VARIABLES"' EXIT
`;

export interface BlockEnded {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Started {
  command: string;
  process: ChildProcess;
  ended: Promise<unknown>;
}

export class DocumentShell {
  readonly #folder: string;
  readonly #root: string;
  readonly #env: NodeJS.ProcessEnv;
  /** By the port that the document names. */
  readonly #ports = new Map<string, string>();
  readonly #started: Started[] = [];

  /**
   * @param cluster A fleet's that is there; without it the document starts its own.
   * @param root The package, or an installed skill, as the reader has it.
   */
  static async open({
    cluster,
    root = ROOT,
  }: {
    cluster?: string | undefined;
    root?: string;
  } = {}): Promise<DocumentShell> {
    const folder = await mkdtemp(join(tmpdir(), "orchestrator-docs-"));
    const shell = new DocumentShell(folder, root);
    if (cluster !== undefined) shell.#ports.set(DEFAULT_PORT, new URL(cluster).port);
    await mkdir(join(folder, "bin"));
    await writeFile(join(folder, "bin", "orchestrator"), COMMAND, { mode: 0o755 });
    await mkdir(join(shell.home, "node_modules"), { recursive: true });
    await symlink(root, join(shell.home, "node_modules", "orchestrator-mcp"));
    return shell;
  }

  private constructor(folder: string, root: string) {
    this.#folder = folder;
    this.#root = root;
    const { PATH = "", HOME = "" } = process.env;
    this.#env = {
      PATH: `${join(folder, "bin")}:${PATH}`,
      HOME,
      XDG_CONFIG_HOME: join(folder, "config"),
      ORCHESTRATOR_STATE_DIR: join(folder, "state"),
      PYTHONPATH: join(root, "skill/scripts"),
      PYTHONDONTWRITEBYTECODE: "1",
      TEST_NODE: NODE,
      TEST_PROGRAM: PROGRAM,
      TEST_VARIABLES: join(folder, "variables"),
    };
  }

  /** The folder that the document's commands are run in. */
  get home(): string {
    return join(this.#folder, "home");
  }

  /** Writes a file there; a script can be run. */
  async write(name: string, text: string): Promise<void> {
    const file = join(this.home, name);
    await writeFile(file, `${this.#meant(text)}\n`);
    if (text.startsWith("#!")) await chmod(file, 0o755);
  }

  /** Runs commands to their end, the first that fails being the last. */
  async run(commands: string): Promise<BlockEnded> {
    const child = this.#bash(KEEP_VARIABLES + this.#meant(commands), { detached: true });
    const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
    const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), BLOCK_MS);
    const [code] = (await once(child, "close")) as [number | null];
    clearTimeout(timer);
    return { code, stdout: stdout(), stderr: stderr() };
  }

  /** Runs a program to its end. */
  async runProgram(language: "js" | "python", source: string): Promise<BlockEnded> {
    const file = language === "js" ? "program.mjs" : "program.py";
    await this.write(file, source);
    const program = language === "js" ? '"$TEST_NODE"' : "python3 -W error";
    return this.run(`ORCHESTRATOR_URL=http://127.0.0.1:${DEFAULT_PORT} ${program} ${file}`);
  }

  /** Starts a command that goes on, which stands on the last line; the first line that it prints. */
  async start(commands: string): Promise<string> {
    const [, before = "", command = ""] = /^([\s\S]*\n)?(.*)$/.exec(commands) ?? [];
    const serves = /^orchestrator (up|serve)\b/.test(command);
    const named = /--port (\d+)/.exec(command)?.[1] ?? (serves && DEFAULT_PORT);
    const words = this.#meant(command.replace(/--port \d+/, "--port 0"));
    // Such a one is a cluster, and looks for no other.
    const child = this.#bash(
      `${this.#meant(before)}${serves ? "ORCHESTRATOR_CLUSTER_URL=; " : ""}exec ${words}`,
    );
    const stderr = textOf(child.stderr);
    const ended = once(child, "close");
    this.#started.push({ command, process: child, ended });
    const ready = async () => {
      const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
      // From then on it is found.
      const registers = /^orchestrator instance\b| --cluster /.test(command);
      while (registers && child.exitCode === null && !stderr().includes("registered with the cluster"))
        await sleep(20);
      return line;
    };
    const tooLate = sleep(BLOCK_MS, undefined, { ref: false });
    const line = await Promise.race([ready(), ended, tooLate]);
    if (typeof line !== "string") throw new Error(`${command} does not go on: ${stderr()}`);
    const { url, cluster = url } = JSON.parse(line) as { url?: string; cluster?: string };
    if (named && cluster !== undefined) this.#ports.set(named, new URL(cluster).port);
    return line;
  }

  /** Stops what goes on, the last first, and lets go of the folder; which commands did not end well, and how. */
  async close(): Promise<string[]> {
    const wrong: string[] = [];
    for (const { command, process: child, ended } of this.#started.splice(0).reverse()) {
      if (child.exitCode === null) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
      await ended;
      clearTimeout(timer);
      if (child.exitCode !== 0) wrong.push(`${command}: ${child.exitCode ?? child.signalCode}`);
    }
    await rm(this.#folder, { recursive: true, force: true });
    return wrong;
  }

  /** As it is meant here: the ports of what runs, and the path of the clone. */
  #meant(text: string): string {
    const local = text.replaceAll("/path/to/", `${this.#root}/`);
    return local.replace(/\b7\d{3}\b/g, (port) => this.#ports.get(port) ?? port);
  }

  /** @param detached In a process group of its own, which can be killed as a whole. */
  #bash(script: string, { detached = false } = {}): ChildProcessByStdio<null, Readable, Readable> {
    // Where no fleet is, none is looked for: another one may be on this machine.
    const cluster = `http://127.0.0.1:${this.#ports.get(DEFAULT_PORT) ?? "9"}`;
    const whole = `${TAKE_VARIABLES}export ORCHESTRATOR_CLUSTER_URL=${cluster}\n${script}`;
    const { home: cwd } = this;
    return spawn("bash", ["-c", whole], { cwd, env: this.#env, detached, stdio: ["ignore", "pipe", "pipe"] });
  }
}

function textOf(stream: Readable): () => string {
  let all = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    all += text;
  });
  return () => all;
}
