import { Agent } from "undici";
import { describe, expect, it } from "vitest";
import { createExecWorker } from "../../src/host/workers/exec.ts";
import { testEngine } from "../engine/harness.ts";
import { onEnd, startHost } from "../host/harness.ts";
import { startServer as startFaultServer } from "../instances/harness.ts";
import { respond } from "../support/faults.ts";
import { startServer } from "./harness.ts";

/** What JSON.stringify would write in another way: numbers, the order of keys, escapes, blanks. */
const ODD = '{"b":{"id":12345678901234567890,"far":1e400},"2":1.50,"1":-0.0,"path": "a\\/b \\u001b[1m é"}';
const ROUNDED =
  '{"1":0,"2":1.5,"b":{"id":12345678901234567000,"far":null},"path":"a/b \\u001b[1m é"}' as const;

/** A runs a program that prints it, B is anybody's server; both behind a real engine and server. */
async function setUp({ printed = ODD } = {}) {
  const worker = await createExecWorker({ command: ["sh", "-c", 'printf "%s\\n" "$0"', printed] });
  onEnd(() => worker.close());
  const host = await startHost({ worker });
  const other = await startFaultServer();
  other.play(respond({ body: `{"taskId": "t1", "reply": "done", "result": ${ODD} }\n` }));
  const { engine } = testEngine({ fleet: { A: host.origin, B: other.url } });
  const served = await startServer({ engine });
  onEnd(() => served.close());
  const agent = new Agent();
  onEnd(() => agent.destroy());
  /** The answer's text, and the run that it belongs to. */
  return async (method: "GET" | "POST" | "DELETE", path: string, body?: object) => {
    const answer = await agent.request({
      ...{ origin: served.origin, path: `/orchestrator/${path}`, method },
      ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const { "orchestrator-run-id": runId, "content-length": length } = answer.headers;
    const text = await answer.body.text();
    if (length !== undefined) expect(Buffer.byteLength(text)).toBe(Number(length));
    return { text, runId: String(runId), status: answer.statusCode };
  };
}

describe("a result stands as its instance wrote it", () => {
  it("in a fan-out that collects", async () => {
    const call = await setUp();
    const { text } = await call("POST", "fanout", { targets: ["A", "B"], payload: 1, aggregate: true });
    expect(text).toBe(
      `[{"instance":"A","reply":"done","result":${ODD}},{"instance":"B","reply":"done","result":${ODD}}]`,
    );
  });

  it("in every other answer about it, and in the run's events", async () => {
    const call = await setUp();
    const routed = await call("POST", "route", { instances: ["B"], payload: 1 });
    expect(routed.text).toContain(`"result":${ODD}`);
    const { text, runId } = await call("POST", "fanout", {
      ...{ targets: ["A", "B"], payload: 1, aggregate: { strategy: "collect" } },
    });
    const collected = `"value":[{"instance":"A","result":${ODD}},{"instance":"B","result":${ODD}}]`;
    expect(text.split(ODD)).toHaveLength(5);
    expect(text).toContain(collected);
    expect((await call("POST", "aggregate", { runId, strategy: "collect" })).text).toContain(collected);
    expect((await call("POST", "aggregate", { runId, strategy: "first" })).text).toContain(`"value":${ODD}`);
    expect((await call("GET", `runs/${runId}`)).text.split(ODD)).toHaveLength(3);
    expect(JSON.parse((await call("GET", `runs/${runId}?instance=B`)).text)).toMatchObject({
      ...{ text: ODD, totalChars: ODD.length },
    });
    const events = (await call("GET", `runs/${runId}/events`)).text;
    expect(events.split("\n").filter((line) => line.startsWith("data: ") && line.includes(ODD))).toHaveLength(
      2,
    );
  });

  it("in a session and its transcript, also once that is closed", async () => {
    const call = await setUp();
    await call("POST", "sessions/spawn", { sessionId: "s1", instance: "A" });
    const sent = await call("POST", "sessions/send", { sessionId: "s1", data: { n: 1 } });
    expect(sent.text).toContain(`"result":${ODD}`);
    expect((await call("GET", "sessions/s1")).text).toContain(`"result":${ODD}`);
    expect((await call("DELETE", "sessions/s1")).status).toBe(200);
    expect((await call("GET", "sessions/s1")).text).toContain(`"result":${ODD}`);
  });

  it("unless it is written in lines: an answer is one line", async () => {
    const call = await setUp({ printed: ODD.replace(",", ",\n") });
    const { text } = await call("POST", "fanout", { targets: ["A"], payload: 1, aggregate: true });
    expect(text).toBe(`[{"instance":"A","reply":"done","result":${ROUNDED}}]`);
  });
});
