import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Installed } from "./install.ts";
import type { Model } from "./model.ts";

/** How long a gateway may take to be ready: some 5 s on an idle machine. */
const READY_MS = 120_000;
/** A gateway takes further ports above its own. */
const PORTS_APART = 120;

/** Loopback ports that are free, each with room for a gateway's others. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = await portOr(0);
    const ports = Array.from({ length: count }, (_, index) => (first ?? 0) + index * PORTS_APART);
    const free = await Promise.all(ports.map((port) => (port < 65_000 ? portOr(port) : undefined)));
    if (first !== undefined && free.every((port) => port !== undefined)) return ports;
  }
}

async function portOr(port: number): Promise<number | undefined> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return (server.address() as { port: number }).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

/** One real gateway, whose process comes and goes. */
export class Gateway {
  readonly url: string;
  readonly token: string;
  readonly a2aToken: string;
  readonly #folder: string;
  readonly #installed: Installed;
  readonly #port: number;
  readonly #agents: readonly string[];
  readonly #model: Model;
  #process: ChildProcess | undefined;

  /** @param agents those that it has besides `main`. */
  constructor(
    installed: Installed,
    folder: string,
    port: number,
    model: Model,
    agents: readonly string[] = [],
  ) {
    this.#installed = installed;
    this.#folder = folder;
    this.#port = port;
    this.#agents = agents;
    this.#model = model;
    this.url = `http://127.0.0.1:${port}`;
    this.token = `token-of-the-gateway-at-${port}`;
    this.a2aToken = `token-of-the-peer-at-${port}`;
  }

  /** Starts it, and waits until it is ready. */
  async start({ chat = true } = {}): Promise<void> {
    const { node, openclaw } = this.#installed;
    await mkdir(join(this.#folder, "home"), { recursive: true });
    const config = join(this.#folder, "openclaw.json");
    await writeFile(config, JSON.stringify(this.#config(chat)));
    const out = openSync(join(this.#folder, "out.txt"), "a");
    const args = [openclaw, "gateway", "--port", String(this.#port), "--bind", "loopback"];
    this.#process = spawn(node, args, {
      cwd: this.#folder,
      stdio: ["ignore", out, out],
      env: {
        PATH: `${dirname(node)}:/usr/bin:/bin`,
        HOME: join(this.#folder, "home"),
        OPENCLAW_CONFIG_PATH: config,
        OPENCLAW_STATE_DIR: join(this.#folder, "state"),
        OPENCLAW_DISABLE_BONJOUR: "1",
        OPENCLAW_NO_AUTO_UPDATE: "1",
      },
    });
    const giveUpAt = Date.now() + READY_MS;
    while ((await this.ready()) !== 200) {
      if (this.#process.exitCode !== null || Date.now() > giveUpAt)
        throw new Error(`no gateway at ${this.url}:\n${(await this.output()).slice(-3_000)}`);
      await sleep(250);
    }
  }

  /** The status of its readiness; 0 where there is none. */
  ready(): Promise<number> {
    return this.#status("/readyz");
  }

  /** Whether its A2A channel is there, which may come after it says that it is ready. */
  async speaksA2a(): Promise<boolean> {
    return (await this.#status("/.well-known/agent-card.json")) === 200;
  }

  async #status(path: string): Promise<number> {
    return fetch(`${this.url}${path}`).then(
      ({ status }) => status,
      () => 0,
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Waits until its process has ended; its exit code, or the signal that ended it. */
  async ended(): Promise<number | string | null> {
    const child = this.#process;
    if (!child) return null;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode ?? child.signalCode;
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  /** After three that were killed within five minutes, it would start without its A2A channel. */
  async restart(options: { chat?: boolean } = {}): Promise<void> {
    this.signal("SIGTERM");
    await this.ended();
    await this.start(options);
  }

  output(): Promise<string> {
    return readFile(join(this.#folder, "out.txt"), "utf8").catch(() => "");
  }

  #config(chat: boolean): object {
    const model = {
      ...{ id: "reckoner", name: "Reckoner", reasoning: false, input: ["text"] },
      ...{
        cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
        contextWindow: 131_072,
        maxTokens: 8_192,
      },
    };
    const { url, key } = this.#model;
    return {
      gateway: {
        mode: "local",
        auth: {
          mode: "token",
          token: this.token,
          // Two wrong tokens lock everybody out: that is how it shows whether one is sent again.
          rateLimit: { maxAttempts: 2, windowMs: 300_000, lockoutMs: 300_000, exemptLoopback: false },
        },
        http: { endpoints: { chatCompletions: { enabled: chat } } },
      },
      channels: { a2a: { enabled: true, peers: { orchestrator: { token: this.a2aToken } } } },
      agents: {
        defaults: {
          skipBootstrap: true,
          model: { primary: "local/reckoner" },
        },
        list: ["main", ...this.#agents].map((id) => ({
          id,
          workspace: join(this.#folder, `workspace-${id}`),
        })),
      },
      models: {
        providers: { local: { baseUrl: url, apiKey: key, api: "openai-completions", models: [model] } },
        catalogRefresh: { enabled: false },
      },
      update: { checkOnStart: false },
      logging: { file: join(this.#folder, "gateway.log") },
    };
  }
}
