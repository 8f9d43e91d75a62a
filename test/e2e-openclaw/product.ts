import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

export interface Ended {
  code: number;
  /** What it printed, or the error that it told. */
  // biome-ignore lint/suspicious/noExplicitAny: each command answers in its own shape
  said: any;
}

/** The built product, as a person runs it over a configuration of their own. */
export class Product {
  readonly #folder: string;
  readonly #config: string;
  #served: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#config = join(folder, "config.json");
  }

  /** The file that `apiKeyFile` names. */
  keyFile(name: string): string {
    return join(this.#folder, `${name}.key`);
  }

  async writeKey(name: string, key: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(this.keyFile(name), `${key}\n`, { mode: 0o600 });
  }

  async configure(fleet: Record<string, object>): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(this.#config, JSON.stringify({ fleet }));
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [PROGRAM, ...args, "--output", "json"],
        { env: this.#env(), timeout: 300_000, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          resolve({
            code: error ? Number(error.code ?? -1) : 0,
            said: read(stdout) ?? read(stderr) ?? stderr,
          });
        },
      );
    });
  }

  /** Starts `orchestrator serve`, through which the calls with its `--url` go; its address. */
  async serve(): Promise<string> {
    const served = spawn(process.execPath, [PROGRAM, "serve", "--port", "0"], {
      env: this.#env(),
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#served = served;
    const [line] = (await once(createInterface({ input: served.stdout }), "line")) as [string];
    const { url, cluster } = JSON.parse(line);
    return String(url ?? cluster);
  }

  signal(signal: NodeJS.Signals): void {
    this.#served?.kill(signal);
  }

  async stop(): Promise<void> {
    if (!this.#served || this.#served.exitCode !== null) return;
    this.signal("SIGTERM");
    await once(this.#served, "exit");
  }

  #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      HOME: this.#folder,
      XDG_CONFIG_HOME: join(this.#folder, "config"),
      ORCHESTRATOR_CONFIG: this.#config,
      ORCHESTRATOR_STATE_DIR: join(this.#folder, "state"),
      ORCHESTRATOR_CLUSTER_URL: "",
    };
  }
}

/** The last line that is JSON: above an error stands the run's id. */
function read(text: string): unknown {
  for (const line of [text, ...text.trim().split("\n").reverse()]) {
    try {
      const value = JSON.parse(line);
      if (typeof value === "object") return value.error ?? value;
    } catch {}
  }
  return undefined;
}
