import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { codeBlocks } from "../support/markdown.ts";
import { judge, newestNode } from "./judge.ts";

// Types the commands of docs/clients.md to the clients themselves, each page's section in a home of its own, and asks
// each client whether it has reached the server. They come from the registry, some 1.5 GB of them, so this is no part
// of CI: npm run e2e:clients.

const run = promisify(execFile);
const { platform, arch } = process;

/** The program of each client, and what its own words are where it has reached the server. */
const CLIENTS: Record<
  string,
  { program: () => Promise<string>; reached: (env: Env, cwd: string) => Promise<boolean> }
> = {
  claude: {
    program: async () => {
      const folder = await judge("@anthropic-ai/claude-code", "2.1.332");
      return join(dirname(folder), `claude-code-${platform}-${arch}`, "claude");
    },
    reached: async (env, cwd) => /orchestrator: .*Connected/.test(await said("claude mcp list", env, cwd)),
  },
  codex: {
    program: async () => join(await judge("@openai/codex", "0.169.0"), "bin", "codex.js"),
    reached: async (env) => (await codexTools(env)).length > 10,
  },
  gemini: {
    program: async () => join(await judge("@google/gemini-cli", "0.61.0"), "bundle", "gemini.js"),
    reached: async (env, cwd) => /orchestrator: .*Connected/.test(await said("gemini mcp list", env, cwd)),
  },
  openclaw: {
    program: async () => join(await judge("openclaw", "2026.9.6"), "openclaw.mjs"),
    reached: async (env, cwd) =>
      (await said("openclaw mcp doctor orchestrator --probe", env, cwd)).includes("orchestrator: ok"),
  },
};

type Env = Record<string, string>;

/** What a command prints, also to stderr; it must end well. */
async function said(command: string, env: Env, cwd: string): Promise<string> {
  const { stdout, stderr } = await run("sh", ["-c", command], { env, cwd, timeout: 120_000 });
  return stdout + stderr;
}

/** The tools that Codex sees, asked of the server behind its editor extensions: `codex mcp list` connects to nobody. */
async function codexTools(env: Env): Promise<string[]> {
  const codex = spawn("codex", ["app-server"], { env, stdio: ["pipe", "pipe", "ignore"] });
  const send = (message: object) => codex.stdin.write(`${JSON.stringify(message)}\n`);
  send({
    id: 1,
    method: "initialize",
    params: { clientInfo: { name: "test", title: "test", version: "1" } },
  });
  try {
    for await (const line of createInterface({ input: codex.stdout })) {
      const { id, result } = JSON.parse(line);
      if (id === 1) {
        send({ method: "initialized" });
        send({ id: 2, method: "mcpServerStatus/list", params: {} });
      }
      if (id === 2) return Object.keys(result.data[0].tools);
    }
    throw new Error("codex app-server has ended.");
  } finally {
    codex.kill();
  }
}

const folder = await mkdtemp(join(tmpdir(), "orchestrator-clients-"));
try {
  const bin = join(folder, "bin");
  await mkdir(bin);
  await symlink(resolve("dist/main.js"), join(bin, "orchestrator-mcp"));
  for (const [name, { program }] of Object.entries(CLIENTS)) await symlink(await program(), join(bin, name));

  const sections = (await readFile("docs/clients.md", "utf8")).split(/^## /m).slice(1);
  for (const [index, section] of sections.entries()) {
    const blocks = codeBlocks(section).filter(({ info }) => info === "sh no-run");
    const commands = blocks.flatMap(({ text }) => text.split("\n"));
    const home = join(folder, `home-${index}`);
    const work = join(home, "work");
    await mkdir(join(home, ".gemini"), { recursive: true });
    await mkdir(work);
    await writeFile(join(home, ".gemini", "trustedFolders.json"), JSON.stringify({ [work]: "TRUST_FOLDER" }));
    const env = { PATH: `${bin}:${dirname(await newestNode())}:${process.env.PATH}`, HOME: home };
    for (const command of commands) await said(command, env, work);
    for (const name of new Set(commands.map((command) => command.split(" ", 1)[0] ?? ""))) {
      const reached = await CLIENTS[name]?.reached(env, work);
      process.stdout.write(`${reached ? "reached" : "NOT REACHED"}: ${section.split("\n", 1)[0]}, ${name}\n`);
      if (!reached) process.exitCode = 1;
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
