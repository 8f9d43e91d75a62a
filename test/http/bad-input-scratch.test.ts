import { connect } from "node:net";
import { it } from "vitest";
import { adminKey } from "../../src/core/keys.ts";
import { testEngine } from "../engine/harness.ts";
import { echoWorker, handWorker, onEnd, startHost } from "../host/harness.ts";
import { recordingLogger } from "../support/logger.ts";
import { startServer } from "./harness.ts";

const raw = (origin: string, bytes: string | Buffer, ms = 700): Promise<string> =>
  new Promise((resolve) => {
    const s = connect(Number(new URL(origin).port), "127.0.0.1");
    let text = "";
    s.on("data", (c) => (text += c.toString("latin1")));
    s.on("error", (e) => (text += `<${(e as any).code}>`));
    s.on("close", () => resolve(`${text}<closed>`));
    s.write(bytes);
    setTimeout(() => { s.destroy(); resolve(text + "<open>"); }, ms);
  });

it("explore", async () => {
  const host = await startHost({ worker: echoWorker() });
  const hand = handWorker();
  const slow = await startHost({ worker: hand });
  const { engine } = testEngine({ fleet: { A: host.origin, S: slow.origin } });
  const logger = recordingLogger();
  const served = await startServer({ engine, logger, keys: () => [adminKey("k")] });
  onEnd(() => served.close());
  const H = "Host: localhost\r\nAuthorization: Bearer k\r\n";
  const J = "Content-Type: application/json\r\n";
  const post = (path: string, body: string | Buffer, extra = "") => Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${H}${J}${extra}Connection: close\r\nContent-Length: ${Buffer.byteLength(body as any)}\r\n\r\n`), Buffer.from(body as any)]);
  const get = (path: string, extra = "") => `GET ${path} HTTP/1.1\r\n${H}${extra}Connection: close\r\n\r\n`;
  const sock = () => { const s = connect(Number(new URL(served.origin).port), "127.0.0.1"); s.on("error", () => {}); return s; };
  const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
  const show = (tag: string) => { console.error("@@", tag, JSON.stringify(logger.lines.splice(0).map((l) => [l.level, l.message, l.facts.status, l.facts.path, (l.facts.err as any)?.code]))); };
  // leaves mid-body
  { const s = sock(); s.write(`POST /orchestrator/route HTTP/1.1\r\n${H}${J}Content-Length: 100\r\n\r\n{"inst`); await sleep(100); s.destroy(); await sleep(200); show("left mid body"); }
  { const s = sock(); s.write(`POST /orchestrator/route HTTP/1.1\r\n${H}${J}Content-Length: 100\r\n\r\n{"inst`); await sleep(100); s.end(); await sleep(200); show("half closed mid body"); }
  { const s = sock(); s.write(`POST /orchestrator/route HTTP/1.1\r\n${H}${J}Transfer-Encoding: chunked\r\n\r\n5\r\n{"ins\r\nZZ\r\n`); let t=""; s.on("data", (c) => t += c); await sleep(200); console.error("bad chunk:", t); s.destroy(); await sleep(100); show("bad chunk"); }
  { const s = sock(); s.write(`POST /orchestrator/ro`); await sleep(100); s.destroy(); await sleep(100); show("left mid head"); }
  // mid-answer
  { const body = JSON.stringify({ instances: "A", payload: "x".repeat(6_000_000) });
    const s = sock(); s.write(`POST /orchestrator/route HTTP/1.1\r\n${H}${J}Content-Length: ${body.length}\r\n\r\n${body}`);
    await new Promise<void>((r) => s.once("data", () => { s.pause(); r(); })); await sleep(50); s.resetAndDestroy(); await sleep(300); show("left mid answer");
    const unclaimed = await (engine as any) && null; 
    const answer = await raw(served.origin, post("/orchestrator/route", body), 3000);
    console.error("again:", answer.length, "warnings" , answer.includes("identical call"), "runs of worker", (host as any).stats?.());
  }
  for (const [name, text] of Object.entries({
    selector: JSON.stringify({ instances: "A-Z,".repeat(2_000_000) }),
    selector2: JSON.stringify({ instances: Array.from({length: 1_900_000}, (_, i) => "n"+i%10).join(",") }),
    duration: JSON.stringify({ instances: "A", timeout: "x".repeat(7_000_000) }),
    durspace: JSON.stringify({ instances: "A", timeout: "1" + " ".repeat(200_000) + "x" }),
    durdigits: JSON.stringify({ instances: "A", timeout: "1".repeat(200_000) + "x" }),
    unknown: `{${Array.from({ length: 700_000 }, (_, i) => `"k${i}":1`).join()}}`,
    payloads: `{"instances":"A","payloads":{${Array.from({ length: 600_000 }, (_, i) => `"-${i}":1`).join()}}}`,
    longfield: JSON.stringify({ ["i".repeat(7_000_000)]: 1 }),
    term: JSON.stringify({ instances: "-".repeat(7_000_000) }),
    tag: JSON.stringify({ instances: "tag:" + "-".repeat(7_000_000) }),
    idem: JSON.stringify({ instances: "A", idempotencyKey: "k".repeat(7_000_000) }),
    deep: '{"instances":"A","payload":' + "[".repeat(1_000_000) + "]".repeat(1_000_000) + "}",
  })) {
    const t = Date.now();
    const answer = await raw(served.origin, post(name === "payloads" ? "/orchestrator/fanout" : "/orchestrator/route", text), 60_000);
    console.error(`## ${name} (${Date.now() - t} ms) ${answer.length}: ${answer.replace(/\r\n/g, "|").slice(0, 100)} … ${answer.slice(-300)}`);
  }
  const agg = (extra: object, responses: unknown[]) => JSON.stringify({ ...extra, responses });
  for (const [name, text] of Object.entries({
    rank: agg({ strategy: "rank-fusion", key: "a.".repeat(1_000_000) }, Array.from({ length: 1000 }, () => ({ instance: "A", result: Array(20).fill({ a: { a: 1 } }) }))),
    merge: agg({ strategy: "merge" }, Array.from({ length: 10_000 }, (_, i) => ({ instance: "A", result: { ["k" + i % 100]: i } }))),
    mergel: agg({ strategy: "merge" }, Array.from({ length: 1_000 }, (_, i) => ({ instance: "A", result: Array.from({ length: 300 }, (_, j) => j * i) }))),
    bad: agg({ strategy: "merge" }, Array.from({ length: 10_000 }, (_, i) => 1)),
    bad2: agg({ strategy: "merge" }, Array.from({ length: 10_000 }, (_, i) => ({ instance: "-", result: 1, ["x" + i]: 1 }))),
  })) {
    const t = Date.now();
    const answer = await raw(served.origin, post("/orchestrator/aggregate", text), 60_000);
    console.error(`## ${name} (${Date.now() - t} ms) ${text.length} ${answer.length}: ${answer.replace(/\r\n/g, "|").slice(0, 100)} … ${answer.slice(-300)}`);
  }
  const cases: Record<string, string | Buffer> = {};
  for (const [name, bytes] of Object.entries(cases)) {
    const t = Date.now();
    const answer = await raw(served.origin, bytes);
    console.error(`## ${name} (${Date.now() - t} ms): ${answer.replace(/\r\n/g, "|").slice(0, 700)}`);
  }
  for (const l of logger.lines.filter(({ level }) => level === "error" || level === "warn")) console.error(l.level, l.message, l.facts);
}, 100_000);
