import { describe, expect, it } from "vitest";
import { callNamed } from "./support/document.ts";
import { inShort, refusalIn } from "./support/refusal.ts";
import { startSite } from "./support/site.ts";

const MILLION = 1_000_000;
const LONG = "x".repeat(7 * MILLION);
const many = (count: number, of: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => of(at)).join();

describe("what is as large as a body may be", () => {
  it.each([
    ["route", "a time", JSON.stringify({ instances: ["A"], timeout: LONG }), "timeout: "],
    ["route", "the name of a field", JSON.stringify({ instances: ["A"], [LONG]: 1 }), "xxx"],
    ["route", "a number of fields", `{${many(200_000, (at) => `"f${at}":1`)}}`, "f0: no such field"],
    ["route", "a name", JSON.stringify({ instances: [`-${LONG}`] }), '"-xxx'],
    ["route", "a tag", JSON.stringify({ instances: [`tag:-${LONG}`] }), '"tag:-xxx'],
    ["route", "a selector", JSON.stringify({ instances: "A-Z,".repeat(MILLION) }), "The selector has"],
    [
      "route",
      "a key of its own",
      JSON.stringify({ instances: ["A"], idempotencyKey: LONG }),
      "idempotencyKey: ",
    ],
    [
      "fanout",
      "a number of payloads",
      `{"targets":"A","payloads":{${many(50_000, (at) => `"-${at}":1`)}}}`,
      "payloads.",
    ],
    [
      "fanout",
      "the name of a payload",
      JSON.stringify({ targets: "A", payloads: { [`-${LONG}`]: 1 } }),
      "payloads.-xxx",
    ],
    ["aggregate", "a run's id", JSON.stringify({ strategy: "merge", runId: LONG }), "runId: "],
    [
      "aggregate",
      "a path",
      JSON.stringify({ strategy: "rank-fusion", key: "a.".repeat(MILLION), runId: "x" }),
      "key: ",
    ],
    ["sessions_send", "a session's name", JSON.stringify({ sessionId: LONG }), "sessionId: "],
  ])("is refused by %s where it is %s, and not repeated", async (operation, _, body, message) => {
    const site = await startSite();
    const reply = await site.call("root", "POST", callNamed(operation).path, { body });
    // That a refusal is short, this looks at as well.
    expect([inShort(reply), refusalIn(reply).message.slice(0, message.length)]).toEqual([
      "400 bad_request",
      message,
    ]);
    expect(JSON.stringify(site.logger.lines).length).toBeLessThan(10_000);
    expect(site.worker.runs).toEqual([]);
  });

  it("is taken where it is the payload", async () => {
    const { call } = await startSite();
    const { body } = await call("root", "POST", "/orchestrator/route", {
      body: { instances: ["A"], payload: LONG },
    });
    expect(body.result === LONG).toBe(true);
  });
});

it.each([
  ["runs?", `${"a".repeat(3_000)}=1`],
  ["runs?", many(1_000, (at) => `a${at}=1`).replaceAll(",", "&")],
  ["sessions/s?after=", "9".repeat(3_000)],
  ["health?instances=", `-${"a".repeat(3_000)}`],
  ["health?instances=", "A,".repeat(2_000)],
])("a query %s of thousands of characters is refused without repeating them", async (path, rest) => {
  const site = await startSite();
  expect(inShort(await site.call("root", "GET", `/orchestrator/${path}${rest}`))).toBe("400 bad_request");
});
