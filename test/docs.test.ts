import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Actions } from "../src/cli/actions.ts";
import { runCommandLine } from "../src/cli/program.ts";
import { configSchema } from "../src/config/schema.ts";
import type { Engine } from "../src/engine/engine.ts";
import { TOOLS } from "../src/mcp/tools/index.ts";
import { type CodeBlock, codeBlocks, codeSpans, frontmatter, headingIds, links } from "./support/markdown.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const REFERENCES = "skill/references";
const DOCS = [
  "README.md",
  "SKILL.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, REFERENCES)).map((name) => `${REFERENCES}/${name}`),
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
    const named = texts.flatMap(({ text }) => text.match(/\b(?:sessions|runs)_[a-z]+\b/g) ?? []);
    const known = TOOLS.map(({ name }) => name);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(blocks.filter(({ info }) => info === "text").flatMap(toolCalls))(
    "are called as they can be: $call",
    async ({ call }) => {
      const [, name, json = ""] = /^(\S+) (.*)$/.exec(call) ?? [];
      const tool = TOOLS.find((each) => each.name === name);
      await expect(tool?.call(NO_ENGINE, JSON.parse(json), { createdBy: "docs" })).rejects.toThrow(REACHED);
    },
  );
});

describe("the commands in the documents", () => {
  const shown = [...blocks.filter(({ info }) => info === "sh").flatMap(({ text }) => text.split("\n"))]
    .concat(texts.flatMap(({ text }) => codeSpans(text)))
    .flatMap((line) => {
      const [, words] = /^orchestrator ([a-z_]+\b.*)$/.exec(line.trim()) ?? [];
      return words === undefined ? [] : [words];
    });
  let commands: string[];

  beforeAll(async () => {
    const [, list = ""] = (await helpOf([])).split("Commands:\n");
    commands = [...list.matchAll(/^ {2}([a-z_]+) /gm)].map(([, name = ""]) => name);
  });

  it("are among those that there are", () => {
    expect(commands).toContain("up");
    expect(shown.length).toBeGreaterThan(10);
    expect(shown.filter((words) => !commands.includes(words.split(" ")[0] ?? ""))).toEqual([]);
  });

  it("are all told of in the README", () => {
    const spans = codeSpans(read("README.md"));
    expect(commands.filter((name) => name !== "help" && !spans.includes(`orchestrator ${name}`))).toEqual([]);
  });

  it("have the options that they are shown with", async () => {
    for (const words of shown) {
      const [own = ""] = words.split(" -- ");
      const help = await helpOf([own.split(" ")[0] ?? ""]);
      const options = own.match(/--[a-z-]+/g) ?? [];
      expect(options.filter((option) => !help.includes(`${option} `))).toEqual([]);
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

async function helpOf(words: string[]): Promise<string> {
  const written: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
  try {
    await runCommandLine([...words, "--help"], { version: "0.0.0" } as Actions);
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
