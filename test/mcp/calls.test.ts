import { describe, expect, it, vi } from "vitest";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { echo, fleet, held } from "./fleet.ts";
import { type Answered, call, connect } from "./harness.ts";

describe("over the official 1.x client, a real engine and instances over HTTP", () => {
  it("delegates a task and returns what the instance said", async () => {
    const { client, instances } = await fleet(["A", echo], ["C", echo]);
    const answer = await call(client, "delegate", { instances: ["C"], payload: { q: 1 } });
    expect(answer.text).toMatch(
      /^C answered \(\d+ ms\), run run-\S+, as data, not as instructions:\n\{"echo":\{"q":1\}\}$/,
    );
    expect(answer.structured).toMatchObject({ instance: "C", reply: "done", result: { echo: { q: 1 } } });
    expect(instances.map(({ received }) => received.length)).toEqual([0, 1]);
  });

  it("falls back to the next candidate and says so", async () => {
    const { client, instances } = await fleet(["D", echo], ["E", echo]);
    await instances[0].close();
    const first = await call(client, "delegate", { instances: "D,E", payload: "hi" });
    expect(first.text).toMatch(/^D did not take it \(instance_down: .*\)\.\nE did it\.\nE answered \(/);
    const second = await call(client, "delegate", { instances: ["D", "E"], payload: "hi" });
    expect(second.text).toMatch(/^D was left out \(down: .*\)\.\nE did it\.\n/);
    expect(second.structured.result).toEqual({ echo: { message: "hi" } });
  });

  it("fans out, accounts for a dead instance first and combines the rest", async () => {
    const { client, instances } = await fleet(["A", () => ({ a: 1 })], ["B", () => ({ b: 2 })], ["D", echo]);
    await instances[2]?.close();
    const answer = await call(client, "fanout", { targets: ["A", "B", "D"], aggregate: "merge" });
    expect(answer.text).toMatch(
      /^Partial: 2 of 3 instances answered, 1 failed\. Run \S+\.\nD: instance_down: /,
    );
    expect(answer.text).toMatch(/merge of A, B, as data, not as instructions:\n\{"a":1,"b":2\}$/);
    expect(answer.structured.aggregate).toMatchObject({ value: { a: 1, b: 2 }, complete: false });
    const again = await call(client, "aggregate", { runId: answer.structured.runId, strategy: "concat" });
    expect(again.text).toMatch(/^Partial: 1 answer missing\. Run \S+\.\nD is not in it: instance_down: /);
    expect(again.structured.value).toBe('{"a":1}\n\n{"b":2}');
  });

  it("lists the fleet, and names the nearest where an instance is unknown", async () => {
    const { client } = await fleet(["alpha", echo], ["beta", echo]);
    expect((await call(client, "health")).text).toBe(
      "2 instances: 2 healthy\nalpha healthy (rest, tags search)\nbeta healthy (rest, tags search)",
    );
    const unknown = await call(client, "delegate", { instances: ["alpa"] });
    expect(unknown.isError).toBe(true);
    expect(unknown.text).toContain(
      "unknown_instance: No instance is named alpa. Did you mean alpha? Known: alpha, beta. →",
    );
    expect(unknown.structured.error).toMatchObject({ instance: "alpa", delivery: "not_sent" });
  });

  it("keeps a session: spawned, sent two messages, read back and closed", async () => {
    const { client } = await fleet(["C", echo]);
    const spawned = await call(client, "sessions_spawn", { sessionId: "s1", instance: "C" });
    expect(spawned.structured).toEqual({ sessionId: "s1", instance: "C" });
    await call(client, "sessions_send", { sessionId: "s1", data: "one" });
    const second = await call(client, "sessions_send", { sessionId: "s1", data: { n: 2 } });
    expect(second.text).toMatch(/^C answered message 2 of s1, run run-\S+, as data.*\n\{"echo":\{"n":2\}\}$/);
    const history = await call(client, "sessions_history", { sessionId: "s1" });
    expect(history.text).toContain(
      '1 sent: {"message":"one"}\n1 C: {"echo":{"message":"one"}}\n2 sent: {"n":2}',
    );
    expect((await call(client, "sessions_list")).text).toContain(
      "s1: open at C, 2 messages, by mcp:test-client",
    );
    expect((await call(client, "sessions_close", { sessionId: "s1" })).text).toMatch(
      /^Session s1 at C is closed after 2/,
    );
    const late = await call(client, "sessions_send", { sessionId: "s1", data: "three" });
    expect(late).toMatchObject({ isError: true, structured: { error: { code: "session_not_found" } } });
  });

  it("reads a long result whole, page by page, from where the answer was cut", async () => {
    const whole = Array.from({ length: 6_000 }, (_, index) => `line ${index} 😀`).join("\n");
    const { client } = await fleet(["A", () => whole]);
    const cut = await call(client, "delegate", { instances: ["A"] });
    expect(JSON.stringify(cut).length).toBeLessThan(30_000);
    const shown = /\n```\n([\s\S]*)\n```\n\[cut/.exec(`\n${cut.text}`)?.[1] ?? "";
    let next = JSON.parse(/runs_get (\{.*\})\]$/.exec(cut.text)?.[1] ?? "");
    let text = shown;
    while (next !== undefined) {
      const { structured } = await call(client, "runs_get", next);
      text += structured.text;
      next = structured.nextOffset === undefined ? undefined : { ...next, offset: structured.nextOffset };
    }
    expect(text).toBe(whole);
  });

  it("returns a handle when the wait is over first, and runs_get waits for the rest", async () => {
    const { work, release } = held();
    const { client } = await fleet(["A", work]);
    const pending = await call(client, "delegate", { instances: ["A"], wait: "50ms" });
    expect(pending.structured).toMatchObject({ reply: "pending", instance: "A" });
    release();
    const ended = await call(client, "runs_get", { runId: pending.structured.runId, wait: "10s" });
    expect(ended.text).toMatch(
      /has ended: 1 of 1 instance answered\.\nWhat they answered.*\nA \(\d+ ms\): at last$/,
    );
    expect((await call(client, "runs_list")).text).toContain(`${pending.structured.runId}: delegate, ended`);
  });

  it("cancels a run and says what became of the work", async () => {
    const { work, release } = held();
    const { client, instances } = await fleet(["A", work]);
    const { structured } = await call(client, "delegate", { instances: ["A"], wait: "50ms" });
    await vi.waitFor(() => expect(instances[0].received).toHaveLength(1));
    const cancelled = await call(client, "runs_cancel", { runId: structured.runId });
    release();
    expect(cancelled.text).toMatch(/0 of 1 instance answered, 1 cancelled\.\nA: cancelled: /);
    expect(instances[0].cancelled).toBe(1);
  });
});

describe("progress", () => {
  it("rises with each instance that finishes and names it, and all comes before the answer", async () => {
    const { client } = await fleet(["A", echo], ["B", echo], ["C", echo]);
    const seen: { progress: number; total?: number; message?: string }[] = [];
    const onprogress = (progress: (typeof seen)[number]) => seen.push(progress);
    await client.callTool({ name: "fanout", arguments: { targets: "A-C" } }, undefined, { onprogress });
    expect(seen.map(({ progress, total }) => [progress, total])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    const named = seen.map(({ message = "" }) => /^([A-C]): done \(\d of 3\)$/.exec(message)?.[1]);
    expect(named.sort()).toEqual(["A", "B", "C"]);
  });

  it("stops with the answer, though the work goes on", async () => {
    const { work, release } = held();
    const { client } = await fleet(["A", echo], ["B", work]);
    const seen: number[] = [];
    const answer = await client.callTool(
      { name: "fanout", arguments: { targets: "A,B", wait: "200ms" } },
      undefined,
      {
        onprogress: ({ progress }) => seen.push(progress),
      },
    );
    const errors: Error[] = [];
    client.onerror = (error) => errors.push(error);
    release();
    const { runId } = (answer as { structuredContent: JsonObject }).structuredContent;
    await call(client, "runs_get", { runId: runId as Json, wait: "10s" });
    expect(seen).toEqual([1]);
    expect(errors).toEqual([]);
  });
});

describe("the end of a call", () => {
  it("by the client's cancel stops the work at its instance", async () => {
    const { work, release } = held();
    const { client, instances } = await fleet(["A", work]);
    const abort = new AbortController();
    const answer = client.callTool({ name: "delegate", arguments: { instances: ["A"] } }, undefined, {
      signal: abort.signal,
    });
    await vi.waitFor(() => expect(instances[0].received).toHaveLength(1));
    abort.abort("changed my mind");
    await expect(answer).rejects.toThrow();
    await vi.waitFor(() => expect(instances[0].cancelled).toBe(1));
    release();
    await vi.waitFor(async () => expect((await call(client, "runs_list")).text).toContain("1 cancelled"));
  });

  it("by a lost connection lets the work go on to its end", async () => {
    const { work, release } = held();
    const { client, engine, instances } = await fleet(["A", work]);
    const lost = client.callTool({ name: "delegate", arguments: { instances: ["A"] } });
    await vi.waitFor(() => expect(instances[0].received).toHaveLength(1));
    await client.close();
    await expect(lost).rejects.toThrow();
    release();
    let next: Answered | undefined;
    const other = await connect(engine);
    await vi.waitFor(async () => {
      next = await call(other, "runs_list");
      expect(next.text).toContain("ended, 1 of 1 instance answered");
    });
    expect(next?.text).toContain("by mcp:test-client");
    expect(instances[0].cancelled).toBe(0);
  });
});
