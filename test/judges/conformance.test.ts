import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/program.ts";
import { startConformanceServer } from "./conformance/server.ts";
import { WORKER } from "./conformance/work.ts";
import { startFleet } from "./fleet.ts";
import { judge, newestNode } from "./judge.ts";

const CONFORMANCE = "0.2.0-alpha.12";

const NO_LOGGING = "We declare no logging: what a client should know stands in the answer and in progress.";
const NO_RESUMING = "A SHOULD for servers whose streams can be resumed: ours is asked again by the run's id.";
const NO_QUESTIONS = "A task of ours is a run, which asks nothing: what we ask, we ask before there is one.";
const NO_HEADERS =
  "No argument of our tools is declared to be sent as a header too, so there is none to check.";

/** How many checks hold in each revision's set, and which do not, by scenario and check, and why. */
const EXPECTED = {
  "2025-11-25": {
    holding: 79,
    failing: {
      "logging-set-level:logging-set-level": NO_LOGGING,
      "tools-call-with-logging:tools-call-with-logging": NO_LOGGING,
      "server-sse-polling:server-sse-priming-event": NO_RESUMING,
      "server-sse-polling:server-sse-retry-field": NO_RESUMING,
    },
  },
  "2026-07-28": {
    holding: 182,
    failing: {
      "tasks-mrtr-input:sep-2663-tasks-get-status-input-required": NO_QUESTIONS,
      "tasks-mrtr-input:tasks-mrtr-tasks-update-resumes": NO_QUESTIONS,
      "tasks-mrtr-input:tasks-mrtr-partial-fulfillment": NO_QUESTIONS,
      "http-custom-header-server-validation:sep-2243-server-no-xmcp-tool": NO_HEADERS,
      "http-custom-header-server-validation:sep-2243-server-decode-base64": NO_HEADERS,
      "http-custom-header-server-validation:sep-2243-server-validate-param-match": NO_HEADERS,
      "http-custom-header-server-validation:sep-2243-server-reject-invalid-param-chars": NO_HEADERS,
      "http-custom-header-server-validation:sep-2243-server-reject-param-mismatch": NO_HEADERS,
    },
  },
};

interface Check {
  id: string;
  status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  errorMessage?: string;
}

/** The judgement of the suite, whose tasks scenarios are in the set without being counted by it. */
async function judgementOf(revision: string, failing: readonly string[]) {
  const { env } = await startFleet(WORKER);
  const url = await startConformanceServer(env);

  const folder = await tempFolder();
  // YAML is what it asks for, and JSON is that too.
  const expected = join(folder, "expected-failures.yml");
  await writeFile(expected, JSON.stringify({ server: failing }));
  const suite = join(await judge("@modelcontextprotocol/conformance", CONFORMANCE), "dist", "index.js");
  const results = join(folder, "results");
  const asked = ["--url", url, "--requirements", revision, "--expected-failures", expected];
  const node = await newestNode();
  const output = await new Promise<string>((resolve) => {
    execFile(node, [suite, "server", ...asked, "--output-dir", results], { env }, (error, stdout, stderr) =>
      resolve(error ? `It ended with ${error.code}.\n${stdout}${stderr}` : ""),
    );
  });
  return { output, checks: await checksIn(results) };
}

/** Each check that was made, by scenario and check. */
async function checksIn(folder: string): Promise<[name: string, check: Check][]> {
  const checks = (await readdir(folder)).map(async (run) => {
    const scenario = run.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT.*$/, "");
    const made: Check[] = JSON.parse(await readFile(join(folder, run, "checks.json"), "utf8"));
    return made.map((check): [string, Check] => [`${scenario}:${check.id}`, check]);
  });
  return (await Promise.all(checks)).flat();
}

describe(`the official suite, @modelcontextprotocol/conformance ${CONFORMANCE}`, () => {
  it.each(Object.entries(EXPECTED))(
    "finds what revision %s asks of a server",
    async (revision, { holding, failing }) => {
      const { output, checks } = await judgementOf(revision, Object.keys(failing));
      expect(output).toBe("");
      const broken = checks.filter(([, { status }]) => status === "FAILURE" || status === "WARNING");
      expect(broken.filter(([name]) => !(name in failing))).toEqual([]);
      expect(new Set(broken.map(([name]) => name))).toEqual(new Set(Object.keys(failing)));
      expect(checks.filter(([, { status }]) => status === "SUCCESS")).toHaveLength(holding);
    },
  );
});
