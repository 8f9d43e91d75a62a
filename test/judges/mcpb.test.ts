import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Launch } from "../support/client-snippets.ts";
import { freshEnv } from "../support/program.ts";
import { judge } from "./judge.ts";

const run = promisify(execFile);
/** The version with which scripts/mcpb.ts packs. */
const MCPB = "2.1.2";

let folder: string;
let bundle: string;
let unpacked: string;

async function mcpb(...args: string[]): Promise<string> {
  const program = join(await judge("@anthropic-ai/mcpb", MCPB), "dist", "cli", "cli.js");
  return (await run(process.execPath, [program, ...args])).stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestrator-mcpb-test-"));
  bundle = join(folder, "orchestrator.mcpb");
  unpacked = join(folder, "unpacked");
  await run("npx", ["tsx", "scripts/mcpb.ts", "--here", "--out", bundle]);
  await mcpb("unpack", bundle, unpacked);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe(`the MCPB bundle, as mcpb ${MCPB} has it`, () => {
  it("has a valid manifest, and is small for one with a database in it", async () => {
    expect(await mcpb("validate", join(unpacked, "manifest.json"))).toContain(
      "Manifest schema validation passes!",
    );
    expect((await stat(bundle)).size).toBeLessThan(8_000_000);
  });

  it("starts as a client starts it that was told nothing, and has a store", async () => {
    const library = join(await judge("@anthropic-ai/mcpb", MCPB), "dist", "index.js");
    const { getMcpConfigForManifest } = await import(pathToFileURL(library).href);
    const manifest = JSON.parse(await readFile(join(unpacked, "manifest.json"), "utf8"));
    const launch = (await getMcpConfigForManifest({
      manifest,
      extensionPath: unpacked,
      systemDirs: {},
      userConfig: {},
      pathSeparator: sep,
    })) as Launch;
    const env = { ...(await freshEnv()), ...launch.env };
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(new StdioClientTransport({ ...launch, env, stderr: "pipe" }));
    onTestFinished(() => client.close());
    const { tools } = await client.listTools();
    expect(manifest.tools.map(({ name }: { name: string }) => name)).toEqual(tools.map(({ name }) => name));
    const runs = await client.callTool({ name: "runs_list", arguments: {} });
    expect(runs).toMatchObject({ structuredContent: { items: [] } });
    expect(runs.isError).toBeFalsy();
  });
});
