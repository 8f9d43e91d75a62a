import { describe, expect, it } from "vitest";
import type { DelegateAnswer, FanoutAnswer } from "../../src/core/answers.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import { keepText } from "../../src/core/json-text.ts";
import type { RunDetail } from "../../src/core/run-answers.ts";
import { runCli } from "./harness.ts";

const refused = new OrchestratorError("instance_down", "B: connection refused.").toBody();
const delegated: DelegateAnswer = {
  ...{ runId: "run-1", instance: "A", delivery: "accepted", reply: "done", result: { n: 1 } },
  attempts: [
    {
      instance: "B",
      delivery: "not_sent",
      reply: "none",
      startedAt: "2026-01-01T00:00:00.000Z",
      error: refused,
    },
    {
      instance: "A",
      delivery: "accepted",
      reply: "done",
      startedAt: "2026-01-01T00:00:00.000Z",
      elapsedMs: 12,
    },
  ],
  explanation: { order: ["B", "A"], excluded: [] },
};
const fanned: FanoutAnswer = {
  ...{ runId: "run-2", complete: true, timedOut: false },
  counts: { total: 2, done: 1, failed: 1, pending: 0, cancelled: 0 },
  outcomes: [
    { instance: "A", delivery: "accepted", reply: "done", result: "said", elapsedMs: 5 },
    { instance: "B", delivery: "not_sent", reply: "none", error: refused },
  ],
};

describe("an answer for a program", () => {
  it("is one line of JSON on stdout, and its run's id on stderr", async () => {
    const { code, stdout, stderr } = await runCli(["route"], { delegate: async () => delegated });
    expect(code).toBe(0);
    expect(stdout.trimEnd()).not.toContain("\n");
    expect(JSON.parse(stdout)).toEqual(delegated);
    expect(stderr).toBe("run run-1\n");
  });

  it("has its result as the instance wrote it", async () => {
    const text = '{"id":12345678901234567890,"n":1.50}';
    const answer = { ...delegated, result: keepText(JSON.parse(text), text) };
    const { stdout } = await runCli(["route"], { delegate: async () => answer });
    expect(stdout).toContain(`"result":${text},"attempts":`);
  });

  it("is a plain array where a fan-out collects", async () => {
    const { code, stdout } = await runCli(["fanout", "--aggregate", "true"], { fanout: async () => fanned });
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual([
      { instance: "A", reply: "done", result: "said" },
      { instance: "B", reply: "none", delivery: "not_sent", error: refused },
    ]);
  });

  it("tells a run's id as soon as its first instance has ended", async () => {
    const { stderr } = await runCli(["fanout"], {
      fanout: async (_, options) => {
        const event = { runId: "run-2", instance: "A", reply: "done", delivery: "accepted" } as const;
        options?.onProgress?.({ ...event, ended: 1, total: 2 });
        process.stderr.write("then\n");
        return fanned;
      },
    });
    expect(stderr).toBe("run run-2\nthen\n");
  });

  it("says why there is no aggregate, and fails for it", async () => {
    const answer: FanoutAnswer = {
      ...fanned,
      outcomes: fanned.outcomes.slice(0, 1),
      aggregateError: new OrchestratorError("aggregate_failed", "Texts cannot be merged.").toBody(),
    };
    const { code, stdout, stderr } = await runCli(["fanout", "--aggregate", "merge"], {
      fanout: async () => answer,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).aggregateError.code).toBe("aggregate_failed");
    expect(stderr).toContain("Texts cannot be merged.");
  });

  it.each([
    [true, "goes on at its instances after this exit"],
    [false, "Not all of the work survives this exit"],
  ])("that is pending says whether its work survives (%s) and how to go on", async (survivesExit, words) => {
    const pending: DelegateAnswer = { ...delegated, reply: "pending", survivesExit };
    const { code, stderr } = await runCli(["route", "--config", "c.json"], { delegate: async () => pending });
    expect(code).toBe(6);
    expect(stderr).toContain(words);
    expect(stderr).toContain("runs wait run-1 --config c.json");
  });

  it("that is pending at a server goes on there", async () => {
    const pending: DelegateAnswer = { ...delegated, reply: "pending", survivesExit: false };
    const args = ["route", "--url", "http://127.0.0.1:7411"];
    const { stderr } = await runCli(args, { delegate: async () => pending });
    expect(stderr).toContain("The work goes on at the server");
    expect(stderr).toContain("--url http://127.0.0.1:7411");
  });

  it("that failed is an error on stderr alone, with the id of its run", async () => {
    const error = new OrchestratorError("timeout", "Run run-1 passed its timeout.", { runId: "run-1" });
    const { code, stdout, stderr } = await runCli(["route"], { delegate: () => Promise.reject(error) });
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
    expect(stderr.startsWith("run run-1\n")).toBe(true);
    expect(JSON.parse(stderr.split("\n")[1] ?? "").error).toMatchObject({ code: "timeout", runId: "run-1" });
  });

  it("carries its warnings to stderr", async () => {
    const { stderr } = await runCli(["route"], {
      delegate: async () => ({ ...delegated, warnings: ["Careful."] }),
    });
    expect(stderr).toContain("Warning: Careful.");
  });
});

describe("an answer for a person", () => {
  const table = (args: string[], played: Parameters<typeof runCli>[1]) =>
    runCli([...args, "--output", "table"], played);

  it("has a line an attempt, with what to do where it failed", async () => {
    const { stdout } = await table(["route"], { delegate: async () => delegated });
    expect(stdout).toBe(
      [
        "INSTANCE  REPLY  TIME   RESULT",
        `B         none          instance_down: B: connection refused. → ${refused.action} (delivery not_sent)`,
        'A         done   12 ms  {"n":1}\n',
      ].join("\n"),
    );
  });

  it("shows the whole of one result below, where its line has no room for it", async () => {
    const result = { text: "word ".repeat(40) };
    const { stdout } = await table(["route"], { delegate: async () => ({ ...delegated, result }) });
    expect(stdout).toContain("…\n\n{\n");
    expect(stdout).toContain(result.text);
  });

  it("counts, and shows what the answers come to together", async () => {
    const aggregate = {
      strategy: "first",
      value: { a: 1 },
      sources: ["A"],
      missing: [],
      complete: true,
    } as const;
    const { stdout } = await table(["fanout", "--aggregate", "first"], {
      fanout: async () => ({
        ...fanned,
        aggregate: { ...aggregate, sources: ["A"], dissent: [], missing: [] },
      }),
    });
    expect(stdout).toContain("1 of 2 done, 1 failed\n\nfirst of A:\n{\n");
  });

  it("lets no instance write on the terminal", async () => {
    const evil = "\u001b[2Jgone\u009b1m";
    const outcomes = fanned.outcomes.map((outcome) => ({
      ...outcome,
      ...(outcome.result && { result: evil }),
    }));
    const { stdout } = await table(["fanout"], { fanout: async () => ({ ...fanned, outcomes }) });
    expect(stdout).toContain("gone");
    expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  it("explains a dry run", async () => {
    const explanation = { order: ["A"], excluded: [{ instance: "B", reason: "down: refused" }] };
    const { code, stdout } = await table(["route", "--dry-run"], {
      delegate: async () => ({ dryRun: true, operation: "delegate", explanation }),
    });
    expect(code).toBe(0);
    expect(stdout).toBe("Nothing was sent.\nWould be asked, the first that can: A\nNot B: down: refused\n");
  });
});

describe("runs", () => {
  const run: RunDetail = {
    ...{
      runId: "run-2",
      operation: "fanout",
      state: "ended",
      createdAt: "c",
      createdBy: "cli",
      attempts: [],
    },
    ...{ counts: fanned.counts, outcomes: fanned.outcomes, explanation: { order: [], excluded: [] } },
  };

  it("are waited for until they end, however often one must ask; the exit code is that of the work", async () => {
    let asked = 0;
    const { code, stdout } = await runCli(["runs", "wait", "run-2"], {
      runsGet: async () => ({ ...run, state: ++asked < 3 ? "open" : "ended" }),
    });
    expect({ code, asked }).toEqual({ code: 3, asked: 3 });
    expect(JSON.parse(stdout).state).toBe("ended");
  });

  it("are waited for no longer than told", async () => {
    const { code, stderr } = await runCli(["runs", "wait", "run-2", "--wait", "0"], {
      runsGet: async () => ({ ...run, state: "open" }),
    });
    expect(code).toBe(6);
    expect(stderr).toContain("runs wait run-2");
  });

  it("of one task are done when one of the candidates has done it", async () => {
    const { code } = await runCli(["runs", "wait", "run-2"], {
      runsGet: async () => ({ ...run, operation: "delegate" }),
    });
    expect(code).toBe(0);
  });

  it.each([
    ["all have stopped", { reply: "cancelled", delivery: "accepted" }, 0],
    ["one could not be stopped", { reply: "none", delivery: "accepted" }, 3],
    ["one never had it", { reply: "none", delivery: "not_sent" }, 0],
  ] as const)("are cancelled when %s", async (_, second, exit) => {
    const outcomes = [fanned.outcomes[0]!, { instance: "B", ...second }];
    const { code } = await runCli(["runs", "cancel", "run-2"], {
      runsCancel: async () => ({ ...run, outcomes }),
    });
    expect(code).toBe(exit);
  });

  it("show a page of a result as the text that it is", async () => {
    const page = {
      runId: "run-2",
      instance: "A",
      reply: "done",
      offset: 2,
      text: "cd",
      totalChars: 9,
    } as const;
    const { stdout, stderr } = await runCli(
      ["runs", "show", "run-2", "--instance", "A", "--output", "table"],
      {
        runsGet: async () => ({ ...page, nextOffset: 4 }),
      },
    );
    expect(stdout).toBe("cd\n");
    expect(stderr).toContain("Characters 2 to 4 of 9; go on with --offset 4");
  });
});

describe("sessions", () => {
  it("are spawned with the token, and told in a fixed shape", async () => {
    const { stdout } = await runCli(["sessions_spawn", "--id", "s"], {
      sessionsSpawn: async () => ({ token: "ost_1", instance: "A", sessionId: "s" }),
    });
    expect(stdout).toBe('{"sessionId":"s","token":"ost_1","instance":"A"}\n');
  });

  it("have a transcript that can be read, moves included", async () => {
    const { stdout } = await runCli(["sessions_history", "--id", "s", "--output", "table"], {
      sessionsHistory: async () => ({
        ...{ sessionId: "s", instance: "B", state: "open", messages: 1, onInstanceDown: "migrate" },
        ...{ createdAt: "c", createdBy: "cli", next: 1 },
        transcript: [
          {
            ...{ seq: 1, runId: "run-1", instance: "A", at: "t1", data: { q: 1 } },
            ...{ delivery: "accepted", reply: "done", result: "yes" },
          },
          {
            ...{ kind: "moved", at: "t2", from: "A", to: "B", epoch: 2, reason: "A is down" },
            history: { given: 1, unanswered: 0, tooOld: 0 },
          },
        ],
        remote: { messages: [{ role: "user", text: "hello", at: "t3" }] },
      }),
    });
    expect(stdout).toContain("Session s at B, open");
    expect(stdout).toMatch(/B itself keeps:\nAT {2}ROLE {2}TEXT\nt3 {2}user {2}hello/);
    expect(stdout).toMatch(/1 {4}t1 {2}A {9}\{"q":1\} .*done {3}yes/);
    expect(stdout).toContain("moved here from A: A is down");
    expect(stdout).toContain("There are more: --after 1");
  });
});
