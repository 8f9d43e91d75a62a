import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { commands } from "../scripts/generate/commands.ts";
import type { Actions } from "../src/cli/actions.ts";
import { runCommandLine } from "../src/cli/program.ts";
import { configSchema } from "../src/config/schema.ts";
import type { Engine } from "../src/engine/engine.ts";
import { TOOLS } from "../src/mcp/tools/index.ts";
import { type CodeBlock, codeBlocks, codeSpans, frontmatter, headingIds, links } from "./support/markdown.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const inFolder = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);
const DOCS = [
  ...["README.md", "SKILL.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...inFolder("docs"),
  ...inFolder("skill/references"),
];
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const texts = DOCS.map((path) => ({ path, text: read(path) }));
const blocks: (CodeBlock & { path: string })[] = texts.flatMap(({ path, text }) =>
  codeBlocks(text).map((block) => ({ ...block, path })),
);

describe("the skill", () => {
  const skill = read("SKILL.md");
  const fields = frontmatter(skill);

  it("has the frontmatter that the Agent Skills specification asks for", () => {
    const top = new Set(Object.keys(fields).filter((path) => !path.includes(".")));
    expect([...top].sort()).toEqual(["compatibility", "description", "license", "name"]);
    expect(fields.name).toBe("orchestrator");
    expect(fields.description?.length).toBeGreaterThan(100);
    expect(fields.description?.length).toBeLessThanOrEqual(1024);
    expect(fields.compatibility?.length).toBeLessThanOrEqual(500);
  });

  it("can be found by the words that people look for", () => {
    const words = "orchestrate delegate multi-instance session spawn send fanout aggregate instances";
    expect(fields["metadata.hints"]).toBe(words);
    const found = words
      .split(" ")
      .filter((word) => new RegExp(`\\b${word}`, "i").test(fields.description ?? ""));
    expect(found).toEqual(words.split(" "));
  });

  it("tells OpenClaw what it needs, and demands no key that a fleet without keys has not", () => {
    expect(fields["metadata.openclaw.requires.bins"]).toBe("node");
    expect(fields["metadata.openclaw.requires.env"]).toBeUndefined();
    expect(fields["metadata.openclaw.primaryEnv"]).toBe("ORCHESTRATOR_API_KEY");
    const declared = fields["metadata.openclaw.envVars.name"]?.split(" ");
    const used = read("skill/scripts/orchestrator_client.py").match(/\bORCHESTRATOR_[A-Z_]+/g) ?? [];
    expect(declared).toEqual(expect.arrayContaining(used));
  });

  it("is shorter than 500 lines", () => {
    expect(skill.split("\n").length).toBeLessThan(500);
  });
});

describe("the documents", () => {
  it.each(texts)("lead only to what exists: $path", ({ path, text }) => {
    const broken = links(text).filter((target) => !leadsSomewhere(path, target));
    expect(broken).toEqual([]);
  });

  it("hold no JSON that cannot be parsed", () => {
    const json = blocks.filter(({ info }) => info.startsWith("json"));
    expect(json.length).toBeGreaterThan(10);
    for (const { path, text } of json) expect(() => JSON.parse(text), `${path}: ${text}`).not.toThrow();
  });

  // What is run, and what is written to a file or compared: test/e2e/docs.test.ts.
  it("have only blocks whose kind is known, so that none escapes its test by a slip", () => {
    const known =
      /^$|^(sh|js|python|json|text|ini|nginx|toml)$|^sh (background|no-run)$|^json answer$|^(js|python|json) [a-z.-]+$/;
    expect(blocks.filter(({ info }) => !known.test(info)).map(({ path, line }) => `${path}:${line}`)).toEqual(
      [],
    );
  });

  it("are all in the index of the folder", () => {
    const index = links(read("docs/README.md"));
    expect(
      readdirSync(join(ROOT, "docs")).filter((name) => name !== "README.md" && !index.includes(name)),
    ).toEqual([]);
  });

  it("name every variable that is read", () => {
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => read(`src/${name}`));
    const inSources = sources.flatMap((text) => text.match(/\bORCHESTRATOR_[A-Z_]+/g) ?? []);
    expect(inSources.length).toBeGreaterThan(10);
    const named = codeSpans(read("docs/configuration.md"));
    // A mark for processes of our own is no setting.
    const settings = new Set(inSources.filter((name) => name !== "ORCHESTRATOR_PROCESS_GROUP"));
    expect([...settings].filter((name) => !named.includes(name))).toEqual([]);
  });

  it("show configurations that are valid", () => {
    const configs = blocks.filter(({ info }) => info === "json config.json");
    expect(configs.length).toBeGreaterThan(0);
    for (const { text } of configs) {
      expect(configSchema.safeParse(JSON.parse(text)).error?.issues ?? []).toEqual([]);
    }
  });
});

describe("the tools in the documents", () => {
  it("exist", () => {
    const written = texts.map(({ text }) => text.replace(/<!--.*?-->/g, ""));
    const named = written.flatMap((text) => text.match(/\b(?:sessions|runs)_[a-z]+\b/g) ?? []);
    // Events are for programs: a tool's answer is one.
    const known = [...TOOLS.map(({ name }) => name), "runs_events", "runs_answer"];
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(blocks.filter(({ info }) => info === "text").flatMap(toolCalls))(
    "are called as they can be: $call",
    async ({ call }) => {
      const [, name, json = ""] = /^(\S+) (.*)$/.exec(call) ?? [];
      const tool = TOOLS.find((each) => each.name === name);
      const prepared = tool?.prepare(JSON.parse(json));
      await expect(prepared?.answer(NO_ENGINE, { createdBy: "docs" })).rejects.toThrow(REACHED);
    },
  );
});

describe("the commands in the documents", () => {
  const typed = blocks
    .filter(({ info }) => info.startsWith("sh"))
    .map(({ text }) => text.replaceAll("\\\n", ""));
  const spans = texts
    .flatMap(({ text }) => codeSpans(text))
    .filter((span) => span.startsWith("orchestrator "));
  const shown = [...typed, ...spans].flatMap((text) =>
    [...text.matchAll(/(?:^|[\s(])orchestrator ([a-z_]+(?![\w-])[^|;)>#\n]*)/gm)].map(([, words = ""]) =>
      words.trim(),
    ),
  );
  const commandIn = (words: string) =>
    commands.find(({ name, command }) =>
      [name, ...command.aliases()].some((each) => `${words} `.startsWith(`${each} `)),
    );

  it("are those of the program", async () => {
    const [, list = ""] = (await programHelp()).split("Commands:\n");
    const names = [...list.matchAll(/^ {2}([a-z_]+) /gm)].map(([, name = ""]) => name);
    const top = new Set(commands.map(({ name }) => name.split(" ")[0]));
    expect([...top].sort()).toEqual(names.filter((name) => name !== "help").sort());
  });

  it("are among those that there are", () => {
    expect(shown.length).toBeGreaterThan(50);
    const named = (words: string) => commands.some(({ name }) => name.startsWith(words));
    expect(shown.filter((words) => !commandIn(words) && !named(words))).toEqual([]);
  });

  it("are all shown on the page of the commands, each with an example that is run", () => {
    const page = codeBlocks(read("docs/command-line.md")).filter(({ info }) =>
      /^sh( background)?$/.test(info),
    );
    const examples = page.map(({ text }) => text).join("\n");
    expect(commands.filter(({ name }) => !examples.includes(`orchestrator ${name}`))).toEqual([]);
  });

  it("have the options that they are shown with", () => {
    for (const words of shown) {
      const [own = ""] = words.split(" -- ");
      const known = commandIn(words)?.command.options.flatMap(({ short, long }) => [short, long]) ?? [];
      const options = own.match(/(?<= )--[a-z-]+/g) ?? [];
      expect(
        options.filter((option) => option !== "--help" && !known.includes(option)),
        words,
      ).toEqual([]);
    }
  });
});

const REACHED = "the arguments are good";
/** Whoever calls it has come past the validation. */
const NO_ENGINE = new Proxy({} as Engine, {
  get: () => async () => {
    throw new Error(REACHED);
  },
});

function toolCalls({ path, text }: CodeBlock & { path: string }): { path: string; call: string }[] {
  return text.split("\n").map((call) => ({ path, call }));
}

async function programHelp(): Promise<string> {
  const written: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
  try {
    await runCommandLine(["--help"], { version: "0.0.0" } as Actions);
  } finally {
    stdout.mockRestore();
  }
  return written.join("");
}

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  try {
    const text = read(file === "" ? from : join(dirname(from), file));
    return anchor === undefined || headingIds(text).includes(anchor);
  } catch {
    return false;
  }
}
