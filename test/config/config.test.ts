import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Config, resolveConfig } from "../../src/config/config.ts";
import { findConfigFile, readConfigFile, userConfigFile } from "../../src/config/file.ts";
import { OrchestratorError } from "../../src/core/errors.ts";

let folder = "";
let file = "";
const before = { XDG_CONFIG_HOME: process.env.XDG_CONFIG_HOME, cwd: process.cwd() };
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-"));
  file = path.join(folder, "config.json");
  process.env.XDG_CONFIG_HOME = path.join(folder, "xdg");
});
afterEach(async () => {
  if (before.XDG_CONFIG_HOME === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = before.XDG_CONFIG_HOME;
  process.chdir(before.cwd);
  await rm(folder, { recursive: true, force: true });
});

async function read(content: unknown, env: Record<string, string> = {}): Promise<Config> {
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return resolveConfig(readConfigFile(file), env, file);
}

async function problemOf(content: unknown): Promise<OrchestratorError> {
  return problem(() => read(content));
}

async function problem(reading: () => unknown): Promise<OrchestratorError> {
  try {
    await reading();
  } catch (error) {
    if (error instanceof OrchestratorError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("config.json", () => {
  it("may be no more than targets and a timeout", async () => {
    expect(await read({ instances: ["A"], timeout: 5 })).toMatchObject({
      targets: ["A"],
      timeoutMs: 5_000,
      waitMs: 5_000,
      retries: 3,
      healthIntervalMs: 60_000,
      durability: "normal",
      instances: [],
      clusterUrl: "http://127.0.0.1:7411",
    });
  });

  it("says how much of what instances said models are shown", async () => {
    const { mcp } = await read({});
    expect(mcp).toEqual({ resultTokens: 8_000, instanceTokens: 5_000, resourceLinks: true });
    expect(resolveConfig(undefined, {}).mcp).toEqual(mcp);
    expect((await read({ mcp: { resultTokens: 500, resourceLinks: false } })).mcp).toMatchObject({
      ...{ resultTokens: 500, instanceTokens: 5_000, resourceLinks: false },
    });
    expect((await problemOf({ mcp: { resultTokens: 1_000_000 } })).message).toContain("mcp.resultTokens");
  });

  it("may be all that the contract shows", async () => {
    const config = await read({
      fleet: {
        A: { url: "http://10.0.0.5:7501", apiKeyEnv: "A_KEY", tags: ["search"] },
        B: {
          url: "http://mac-mini:18789",
          protocol: "openclaw",
          agent: "main",
          apiKeyFile: "~/.openclaw/token",
        },
        C: { url: "http://127.0.0.1:11434/v1", protocol: "openai", model: "llama3.2" },
        D: { url: "https://agent.example", protocol: "a2a" },
        E: { url: "http://10.0.0.6:7501/", maxConcurrency: 4 },
      },
      cluster: { url: "http://127.0.0.1:7411", allow: ["mac-mini"] },
      timeout: "10m",
      wait: "45s",
      retries: 0,
      healthInterval: "500ms",
    });
    expect(config).toMatchObject({
      file,
      clusterUrl: "http://127.0.0.1:7411",
      clusterAllow: ["mac-mini"],
      timeoutMs: 600_000,
      waitMs: 45_000,
      retries: 0,
      healthIntervalMs: 500,
    });
    expect(config.instances.map(({ maxConcurrency }) => maxConcurrency)).toEqual([...Array(4), 4]);
    expect(config.instances.map(({ name, origin, protocol }) => `${name} ${protocol} ${origin}`)).toEqual([
      "A rest http://10.0.0.5:7501",
      "B openclaw http://mac-mini:18789",
      "C openai http://127.0.0.1:11434",
      "D a2a https://agent.example",
      "E rest http://10.0.0.6:7501",
    ]);
    // Our own hosts know the key that is derived for them; a stranger is sent none of ours.
    expect(config.instances.map(({ credential }) => credential)).toEqual([
      { from: "env", name: "A_KEY" },
      { from: "file", path: "~/.openclaw/token" },
      undefined,
      undefined,
      { from: "fleet" },
    ]);
  });

  it("needs no cluster where it names a fleet", async () => {
    expect(await read({ fleet: { A: { url: "http://a.test" } } })).not.toHaveProperty("clusterUrl");
    expect(await read({})).toHaveProperty("clusterUrl");
  });

  it("may begin with a byte order mark", async () => {
    expect(await read('\uFEFF{"retries":1}')).toMatchObject({ retries: 1 });
  });

  it.each<[string, unknown, string[]]>([
    ["an unknown field", { timeot: 5 }, ["timeot", "did you mean timeout?"]],
    [
      "an unknown field of an instance",
      { fleet: { A: { url: "http://a.test", tag: ["x"] } } },
      ["fleet.A.tag", "tags"],
    ],
    ["a wrong type", { retries: "many" }, ["retries", "expected number"]],
    ["a retry too many", { retries: 11 }, ["retries", "10"]],
    ["no duration", { timeout: "soon" }, ["timeout", '"10s"']],
    ["a timeout of nothing", { timeout: 0 }, ["timeout"]],
    ["an instance without a url", { fleet: { A: {} } }, ["fleet.A.url"]],
    [
      "a url that is none",
      { fleet: { A: { url: "localhost:7501" } } },
      ["fleet.A.url", "no http or https URL"],
    ],
    ["a url with a password", { fleet: { A: { url: "http://me:pw@a.test" } } }, ["fleet.A.url", "apiKeyEnv"]],
    ["a link-local url", { fleet: { A: { url: "http://169.254.169.254" } } }, ["fleet.A.url", "link-local"]],
    [
      "a protocol that is not there",
      { fleet: { A: { url: "http://a.test", protocol: "soap" } } },
      ["fleet.A.protocol", "rest"],
    ],
    ["a name that is none", { fleet: { "a b": { url: "http://a.test" } } }, ["a b", "letters, digits"]],
    ["no targets", { instances: [] }, ["instances"]],
    ["an array", [], ["expected object"]],
    ["null", null, ["expected object"]],
    ["no JSON", '{"retries": 3,}', ["is not JSON"]],
    ["nothing", "", ["is not JSON"]],
  ])("with %s is refused by file, field and what was expected", async (_, content, words) => {
    const error = await problemOf(content);
    expect(error.code).toBe("bad_request");
    for (const word of [file, ...words]) expect(error.message).toContain(word);
    expect(error.action).toContain("doctor");
  });
});

describe("the file", () => {
  it("that is missing, a folder or unreadable is an error that says which", async () => {
    const missing = await problem(() => readConfigFile(file));
    expect(missing).toMatchObject({ code: "bad_request" });
    expect(missing.message).toBe(`The configuration ${file} cannot be read: there is no such file.`);
    expect(missing.action).toContain("orchestrator init");
    expect((await problem(() => readConfigFile(folder))).message).toContain("it is a folder");
    await writeFile(file, "{}");
    await chmod(file, 0);
    if (process.getuid?.() !== 0) {
      expect((await problem(() => readConfigFile(file))).message).toContain("EACCES");
    }
  });

  it("is the named one, then the variable's, then the user's", async () => {
    expect(findConfigFile(undefined, {})).toBeUndefined();
    await mkdir(path.dirname(userConfigFile()), { recursive: true });
    await writeFile(userConfigFile(), "{}");
    expect(userConfigFile().startsWith(folder)).toBe(true);
    expect(findConfigFile(undefined, {})).toBe(userConfigFile());
    expect(findConfigFile(undefined, { ORCHESTRATOR_CONFIG: "/v.json" })).toBe("/v.json");
    expect(findConfigFile("/n.json", { ORCHESTRATOR_CONFIG: "/v.json" })).toBe("/n.json");
  });

  it("is never one of the current folder, unless it is named", async () => {
    await writeFile(file, '{"retries":9}');
    process.chdir(folder);
    expect(findConfigFile(undefined, {})).toBeUndefined();
    expect(findConfigFile("config.json", {})).toBe(path.resolve("config.json"));
  });
});

describe("the variables", () => {
  it("name a fleet without a file, and no cluster", () => {
    const config = resolveConfig(undefined, {
      ORCHESTRATOR_INSTANCES: " A=http://a.test:1 , B=https://b.test/x?y=1 ,",
    });
    expect(config.instances).toMatchObject([
      {
        name: "A",
        origin: "http://a.test:1",
        protocol: "rest",
        source: "config",
        credential: { from: "fleet" },
      },
      { name: "B", url: "https://b.test/x?y=1", origin: "https://b.test" },
    ]);
    expect(config.clusterUrl).toBeUndefined();
  });

  it("win over the file", async () => {
    const config = await read(
      { fleet: { A: { url: "http://file.test", tags: ["t"] } }, cluster: { url: "http://file.test:1" } },
      { ORCHESTRATOR_INSTANCES: "A=http://env.test", ORCHESTRATOR_CLUSTER_URL: "http://env.test:2" },
    );
    expect(config.instances).toMatchObject([{ name: "A", url: "http://env.test" }]);
    expect(config.clusterUrl).toBe("http://env.test:2");
  });

  it.each([
    ["A", '"A"'],
    ["=http://a.test", "name"],
    ["A=localhost", "no http or https URL"],
    ["A B=http://a.test", '"A B"'],
    ["A=http://a.test,B=ftp://b.test", '"B=ftp://b.test"'],
    ["A=http://169.254.1.1", "link-local"],
  ])("ORCHESTRATOR_INSTANCES=%s is refused with how to write it", async (value, words) => {
    const error = await problem(() => resolveConfig(undefined, { ORCHESTRATOR_INSTANCES: value }));
    expect(error.message).toContain("ORCHESTRATOR_INSTANCES");
    expect(error.message).toContain(words);
    expect(error.action).toContain("A=http://10.0.0.5:7501");
  });

  it("ORCHESTRATOR_CLUSTER_URL must be a URL", async () => {
    const error = await problem(() => resolveConfig(undefined, { ORCHESTRATOR_CLUSTER_URL: "7411" }));
    expect(error.message).toContain("ORCHESTRATOR_CLUSTER_URL");
  });

  it("that are empty count as not set", () => {
    const config = resolveConfig(undefined, { ORCHESTRATOR_INSTANCES: "", ORCHESTRATOR_CLUSTER_URL: "" });
    expect(config).toMatchObject({ instances: [], clusterUrl: "http://127.0.0.1:7411" });
  });
});
