import { type CodeBlock, codeBlocks } from "./markdown.ts";

// What the documents tell clients to start: the files and commands of each client, read as that client reads them.

/** How a client starts a server. */
export interface Launch {
  command: string;
  args: string[];
  env: Record<string, string>;
}

export interface Snippet {
  line: number;
  launch: Launch;
}

/** Every snippet of a document that adds the server to a client. */
export function clientSnippets(markdown: string): Snippet[] {
  return codeBlocks(markdown).flatMap((block) => {
    const texts = block.info === "sh no-run" ? block.text.split("\n") : [block.text];
    return texts.flatMap((text, index) => {
      const launch = launchOf(block, text);
      return launch ? [{ line: block.line + 1 + index, launch }] : [];
    });
  });
}

function launchOf({ info }: CodeBlock, text: string): Launch | undefined {
  if (info === "json") return fromJson(JSON.parse(text));
  if (info === "toml") return complete(tomlTable(text, "mcp_servers.orchestrator"));
  return info === "sh no-run" ? fromCommand(text.split(" ")) : undefined;
}

interface Entry {
  command?: unknown;
  args?: unknown;
  env?: unknown;
}

type Servers = Record<string, Entry>;

/** `mcpServers` of most clients, `servers` of VS Code, `mcp.servers` of OpenClaw. */
function fromJson(file: { mcpServers?: Servers; servers?: Servers; mcp?: { servers?: Servers } }) {
  return complete((file.mcpServers ?? file.servers ?? file.mcp?.servers)?.orchestrator);
}

function complete(entry: Entry | undefined): Launch | undefined {
  if (entry === undefined) return undefined;
  const { command, args = [], env = {} } = entry as Partial<Launch>;
  if (typeof command !== "string" || !Array.isArray(args)) throw new Error("There is no command to start.");
  return { command, args, env };
}

/** `claude`, `codex`, `gemini` and `openclaw mcp add …`, as their own help has it. */
function fromCommand([client, mcp, add, ...words]: string[]): Launch | undefined {
  if (mcp !== "mcp" || add !== "add") return undefined;
  const env = Object.fromEntries(valuesOf(words, "--env").map((each) => each.split("=") as [string, string]));
  switch (client) {
    case "claude":
    case "codex": {
      const [command = "", ...args] = words.slice(words.indexOf("--") + 1);
      return { command, args, env };
    }
    case "gemini": {
      const [command = "", ...more] = words.slice(words.indexOf("orchestrator") + 1);
      return { command, args: more.slice(0, [...more, "--env"].indexOf("--env")), env };
    }
    case "openclaw":
      return { command: valuesOf(words, "--command")[0] ?? "", args: valuesOf(words, "--arg"), env };
  }
  throw new Error(`How does ${client} read its words?`);
}

function valuesOf(words: string[], option: string): string[] {
  return words.flatMap((word, index) => (word === option ? (words[index + 1] ?? []) : []));
}

/** One table of a TOML file whose values are strings and lists of strings, which JSON writes alike. */
function tomlTable(toml: string, name: string): Entry | undefined {
  const [, table] =
    new RegExp(`^\\[${name.replaceAll(".", "\\.")}\\]\\n((?:[^[\\n].*\\n?)*)`, "m").exec(toml) ?? [];
  const pairs = table
    ?.trim()
    .split("\n")
    .map((line) => line.split(/ = (.*)/, 2) as [string, string]);
  return pairs && Object.fromEntries(pairs.map(([key, value]) => [key, JSON.parse(value)]));
}
