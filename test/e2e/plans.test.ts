import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { moduleFleet } from "../support/plan-fleet.ts";
import { freshEnv, run, start, tempFolder } from "../support/program.ts";

// The plans that the skill shows, as people run them: from their files, over real instances.

const PLANS = fileURLToPath(new URL("../../skill/references/plans/", import.meta.url));

async function orchestrate(name: string, env: Record<string, string>, ...args: string[]) {
  const ended = await run(["orchestrate", `${PLANS}${name}`, ...args], env);
  return { ...ended, answer: ended.stdout === "" ? undefined : JSON.parse(ended.stdout) };
}

describe("search, read and summarise", () => {
  /** Notes the first words of a text, or counts the notes that it is to sum up. */
  const READER = `export default async ({ message, source, text, notes }) => {
    if (!notes) return { source, note: text.snippet.slice(0, 40) };
    return message.split(" on ")[1] + ": " + notes.map(({ source }) => source).sort().join(", ");
  };`;

  it("searches a whole fleet, has each find read once, and names its sources", async () => {
    const folder = await tempFolder();
    for (let note = 1; note <= 12; note++) {
      const text = note <= 4 ? "A call that timed out is repeated with backoff." : "Nothing to do with it.";
      await writeFile(join(folder, `note-${note}.md`), `# Note ${note}\n\n${text}\n`);
    }
    const env = await freshEnv();
    const up = await start(["up", "--port", "0", "--instances", "A-D"], env, folder);
    env.ORCHESTRATOR_CLUSTER_URL = String(up.ready.cluster);
    const reader = join(await tempFolder(), "reader.mjs");
    await writeFile(reader, READER);
    for (const name of ["R1", "R2"]) {
      const own = await freshEnv({ ORCHESTRATOR_CLUSTER_URL: env.ORCHESTRATOR_CLUSTER_URL ?? "" });
      await start(["instance", "--name", name, "--tags", "reader", "--module", reader], own);
    }
    const args = ["--input", "topic=timed out", "searchers=A-D", "most=3"];
    const { code, answer, stderr } = await orchestrate("search-read-summarise.json", env, ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^run run-\S+\n$/) });
    const { summary, sources, ...rest } = answer.value;
    expect(sources).toHaveLength(3);
    for (const source of sources) expect(source).toMatch(/^note-[1-4]\.md#/);
    expect(summary).toBe(
      `timed out in ten lines, and name the source of each claim.: ${[...sources].sort().join(", ")}`,
    );
    expect(rest).toEqual({ searched: expect.any(Array), missing: [], unread: [] });
    expect(answer.steps.map((step: { step: string; items?: object }) => [step.step, step.items])).toEqual([
      ["find", undefined],
      ["read", { total: 3, ended: 3, failed: 0 }],
      ["summarise", undefined],
    ]);

    const nothing = await orchestrate(
      "search-read-summarise.json",
      env,
      "--input",
      "topic=zebra",
      "searchers=A-D",
    );
    expect(nothing.code, nothing.stderr + nothing.stdout).toBe(0);
    expect(nothing.answer.value).toMatchObject({ summary: null, sources: [] });
  });
});

describe("second opinion", () => {
  /** Answers with its name; as judge picks the answer that gives a reason, or talks in circles. */
  const OPINION = `
    const by = process.argv[process.argv.indexOf("--name") + 1];
    export default async ({ message, answers }) => {
      if (!answers) return { text: by === "B" ? "Three times, because of load." : "Ten times.", asked: message };
      if (message.includes("riddle")) return "Who can say?";
      const { number } = answers.find(({ answer }) => answer.text.includes("because"));
      return "I think so.\\n\\n" + JSON.stringify({ choice: number, reason: "It says why." });
    };`;

  it("has the answers judged by somebody else, and says whose was picked and why", async () => {
    const { env } = await moduleFleet(["A", "B", "C"], OPINION);
    const { code, answer } = await orchestrate("second-opinion.json", env);
    expect(code).toBe(0);
    expect(answer.value).toEqual({
      answer: {
        text: "Three times, because of load.",
        asked: "How many times should a failed call be repeated?",
      },
      from: ["B"],
      reason: ["It says why."],
      all: [
        { instance: "A", reply: "done", result: { text: "Ten times.", asked: expect.any(String) } },
        { instance: "B", reply: "done", result: { text: expect.any(String), asked: expect.any(String) } },
      ],
    });
    const judged = answer.steps.find((step: { step: string }) => step.step === "judge");
    expect(judged.runIds).toHaveLength(1);
    expect(answer.steps[2]).toMatchObject({ step: "first", state: "skipped", runIds: [] });
  });

  it("stands by the first answer when there is no verdict", async () => {
    const { env } = await moduleFleet(["A", "B", "C"], OPINION);
    const { code, answer } = await orchestrate("second-opinion.json", env, "--input", "question=a riddle");
    expect(code).toBe(0);
    expect(answer.value).toMatchObject({
      answer: { asked: "a riddle" },
      from: [expect.any(String)],
      reason: [],
    });
    expect(answer.steps[1]).toMatchObject({
      ...{ step: "judge", state: "done", fellBackTo: "first" },
      error: { code: "aggregate_failed" },
    });
  });
});

describe("divide a list", () => {
  /** Notes in its ledger how many tasks it has at once, and which ones it did. */
  const WORKER = `
    import { appendFile } from "node:fs/promises";
    import { setTimeout as sleep } from "node:timers/promises";
    let now = 0;
    const by = process.argv[process.argv.indexOf("--name") + 1];
    export default async ({ item, message }) => {
      now += 1;
      try {
        await appendFile(message, by + " " + now + " " + item.n + "\\n");
        await sleep(20);
        if (item.n === 13) throw new Error("unlucky");
        return { by, square: item.n ** 2 };
      } finally {
        now -= 1;
      }
    };`;

  it("over all that are well, each item once, and no more at once than an instance may have", async () => {
    const names = ["A", "B", "C", "D"];
    const { env, urls, folder } = await moduleFleet(names, WORKER, ["--concurrency", "16"]);
    const config = join(folder, "config.json");
    const fleet = Object.fromEntries([
      ...names.map((name) => [name, { url: urls[name], maxConcurrency: 3 }]),
      ["X", { url: "http://127.0.0.1:1" }],
    ]);
    await writeFile(config, JSON.stringify({ fleet }));
    delete env.ORCHESTRATOR_INSTANCES;
    const ledger = join(folder, "ledger");
    const items = Array.from({ length: 200 }, (_, n) => ({ n }));
    await writeFile(join(folder, "inputs.json"), JSON.stringify({ items, task: ledger }));
    const args = ["--config", config, "--inputs", `@${join(folder, "inputs.json")}`];
    const { code, answer } = await orchestrate("divide-a-list.json", env, ...args);
    // One item failed, and the plan went on.
    expect(code).toBe(3);
    const { results, by, failed } = answer.value;
    expect(results.map((result: { square: number } | null) => result?.square)).toEqual(
      items.map(({ n }) => (n === 13 ? undefined : n ** 2)),
    );
    expect(failed).toEqual([expect.stringContaining("unlucky")]);
    const lines = (await readFile(ledger, "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(" "));
    expect(lines.map(([, , n]) => Number(n)).sort((a, b) => a - b)).toEqual(items.map(({ n }) => n));
    for (const name of names) {
      const own = lines.filter(([who]) => who === name);
      expect(Math.max(...own.map(([, now]) => Number(now))), name).toBeLessThanOrEqual(3);
      // An equal share would be 50.
      expect(own.length, name).toBeGreaterThan(20);
    }
    expect(new Set(by)).toEqual(new Set(names));
    expect(answer.steps[0]).toMatchObject({ items: { total: 200, ended: 200, failed: 1 } });
  });
});
