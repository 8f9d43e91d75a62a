import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/program.ts";
import { ECHO, type Reach, startFleet, TRANSPORTS, type Transport } from "./fleet.ts";
import { judge, newestNode } from "./judge.ts";

const run = promisify(execFile);
const INSPECTOR = "2.12.0";
const ERAS = ["legacy", "modern"] as const;

/** What the Inspector's CLI has from a server, and complains of; it fails where it finds an error. */
async function inspected(reach: Reach, transport: Transport, asked: string[]) {
  const folder = await judge("@modelcontextprotocol/inspector", INSPECTOR);
  const program = join(folder, "clients", "launcher", "build", "index.js");
  const { url, command, args, env } = reach;
  const given = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const target = transport === "HTTP" ? [url] : [...given, command, ...args];
  const home = await tempFolder();
  const call = [program, "--cli", ...target, "--format", "json", ...asked];
  const { stdout, stderr } = await run(await newestNode(), call, {
    env: { PATH: env.PATH, HOME: home },
    cwd: home,
  });
  return { result: JSON.parse(stdout).result, complaints: stderr };
}

describe(`the Inspector's CLI ${INSPECTOR}`, () => {
  it.each(ERAS)("has nothing to say against the tools, and calls them, in the %s era", async (era) => {
    const reach = await startFleet(ECHO);
    const judged = TRANSPORTS.map(async (transport) => {
      const inspect = (...asked: string[]) => inspected(reach, transport, [...asked, "--protocol-era", era]);
      const { result, complaints } = await inspect("--method", "tools/list", "--strict");
      expect(complaints).toBe("");
      expect(result.tools).toHaveLength(13);
      const called = ["--method", "tools/call", "--tool-name", "fanout"];
      const answer = await inspect(...called, "--tool-args-json", '{"targets":["A-C"],"payload":7}');
      expect(answer.result.structuredContent.counts).toMatchObject({ total: 3, done: 3 });
    });
    await Promise.all(judged);
  });
});
