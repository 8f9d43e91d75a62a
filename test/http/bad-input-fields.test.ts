import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/core/json.ts";
import { echoWorker, startHost } from "../host/harness.ts";
import { CALLS, type Call, callNamed, faultOf, fieldsOf, type Schema } from "./support/document.ts";
import { inShort, refusalIn } from "./support/refusal.ts";
import { type Site, startSite } from "./support/site.ts";

const VALUES = [
  ...[null, true, 0, -1, 1.5, 1e300, 2 ** 53, [], [[]], [null], [1], ["", "A"], [{}], {}, { a: 1 }],
  ...["", "x", "-1", "1", "a b", "\u0000", "\ud800", "constructor", "x".repeat(300), { strategy: "x" }],
];

/** What makes the rest of a call's input valid. */
const REST: Record<string, object> = {
  route: { instances: ["A"], dryRun: true },
  fanout: { targets: ["A"], dryRun: true },
  orchestrate: { steps: [{ id: "a", delegate: { instances: ["A"], payload: 1 } }], dryRun: true },
  aggregate: { strategy: "collect", responses: [{ instance: "A", result: 1 }] },
  sessions_spawn: { sessionId: "s" },
  sessions_send: { sessionId: "s" },
  runs_keep_answer: { answer: { status: "cancelled" } },
};

function wrongValues(schema: Schema): unknown[] {
  return VALUES.filter((value) => faultOf(schema, value) !== undefined);
}

const TEXTS = ["", "x", "-1", "1.5", "1e999", "NaN", "null", "1e300", "a b", "[]", "{}"];

/** In a query all is text, which stands for what its field takes. */
function wrongTexts(schema: Schema): string[] {
  return TEXTS.filter((text) => [text, parseJson(text)].every((read) => faultOf(schema, read) !== undefined));
}

/** Sends a call that is valid but for these fields. */
function send({ call, ids }: Site, { method, path, operationId, body }: Call, fields: object) {
  const url = path.replace("{runId}", ids.runId).replace("{sessionId}", ids.sessionId);
  if (body) return call("root", method, url, { body: { ...REST[operationId], ...fields } });
  const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return call("root", method, `${url}?${query.join("&")}`);
}

/** That the answer refuses the request for this field, and says so. */
function expectBlame(reply: Parameters<typeof refusalIn>[0], tried: unknown[], field: string): void {
  const { code, message, details, delivery } = refusalIn(reply);
  const name = `${field.replace("$", "\\$")}\\b`;
  expect([...tried, code, delivery, details]).toEqual([
    ...tried,
    "bad_request",
    "not_sent",
    expect.objectContaining({ field: expect.stringMatching(new RegExp(`^${name}`)) }),
  ]);
  expect([...tried, message]).toEqual([...tried, expect.stringMatching(new RegExp(`(^|: )${name}`))]);
}

describe.each(CALLS.map((call) => [call.operationId, call] as const))("%s", (_, described) => {
  it("refuses what the schema of a field does not take, and names the field", async () => {
    const site = await startSite();
    for (const { name, schema } of fieldsOf(described)) {
      const takesAll = schema.type === undefined && schema.anyOf === undefined;
      const wrong = described.body ? wrongValues(schema) : wrongTexts(schema);
      if (described.body) expect([name, wrong.length === 0]).toEqual([name, takesAll]);
      for (const value of wrong) {
        const reply = await send(site, described, { [name]: value });
        expectBlame(reply, [name, value], name);
      }
    }
    expect(site.worker.runs).toEqual([]);
  });

  it("refuses a field that it does not have, whatever its name, and names it", async () => {
    const site = await startSite();
    for (const name of [
      "unknown",
      "admin",
      "constructor",
      "toString",
      "hasOwnProperty",
      "__defineGetter__",
    ]) {
      const reply = await send(site, described, { [name]: 1 });
      expectBlame(reply, [name], name);
      expect(refusalIn(reply).message).toContain("no such field");
    }
    expect(site.worker.runs).toEqual([]);
  });
});

const ODD = ["A\u0000", "\u0000", "\ud800", "A\udc00", "\u{1f600}", "-A", "../A", "A/B", "A".repeat(65)];

describe("a name", () => {
  it.each([
    ["route", "instances", (name: string) => ({ instances: [name] })],
    ["route", "instances", (name: string) => ({ instances: ["A", `A,${name}`] })],
    ["fanout", "targets", (name: string) => ({ targets: name })],
    ["fanout", "payloads", (name: string) => ({ payloads: { [name]: 1 } })],
    ["aggregate", "responses", (name: string) => ({ responses: [{ instance: name, result: 1 }] })],
    ["sessions_spawn", "sessionId", (name: string) => ({ sessionId: name })],
    ["sessions_spawn", "instance", (name: string) => ({ sessionId: "new", instance: name })],
    ["sessions_send", "sessionId", (name: string) => ({ sessionId: name })],
  ])("that nobody can have is refused by %s in %s", async (operation, field, fields) => {
    const site = await startSite();
    for (const name of ODD) {
      const reply = await send(site, callNamed(operation), fields(name));
      expect([name, inShort(reply)]).toEqual([name, "400 bad_request"]);
      // Of a selector the wrong word itself is quoted.
      expect([name, refusalIn(reply).message]).toEqual([
        name,
        expect.toSatisfy((message: string) => message.startsWith(`"${name}"`) || message.startsWith(field)),
      ]);
    }
    expect(site.worker.runs).toEqual([]);
  });

  it("of a key may have any character, and stands for the same run each time", async () => {
    const { call, worker } = await startSite();
    for (const idempotencyKey of ["\u0000", "\ud800", "\udc00", "__proto__", "../run", "\u{1f600}"]) {
      worker.runs.length = 0;
      const body = { instances: ["A"], payload: idempotencyKey, idempotencyKey };
      const first = await call("root", "POST", "/orchestrator/route", { body });
      const again = await call("root", "POST", "/orchestrator/route", { body });
      expect([first.status, again.status, again.body.runId]).toEqual([200, 200, first.body.runId]);
      const other = { ...body, payload: "other" };
      const refused = await call("root", "POST", "/orchestrator/route", { body: other });
      expect(inShort(refused)).toBe("409 conflict");
      expect(worker.runs).toEqual([idempotencyKey]);
    }
  });
});

describe("a time", () => {
  const wrong = [
    -1,
    -0.001,
    "-1s",
    "1 h 2",
    "1e3",
    "NaN",
    "Infinity",
    1e300,
    2 ** 31,
    "26d",
    "1 week",
    "",
    " ",
  ];

  it.each(["timeout", "wait", "stall"])("of the field %s is refused where it is none", async (field) => {
    const site = await startSite();
    for (const value of [...wrong, ...(field === "wait" ? [] : [0, "0s", "0.1ms"])]) {
      const reply = await send(site, callNamed("fanout"), { [field]: value });
      expectBlame(reply, [value], field);
    }
    for (const value of ["NaN", "-Infinity", "1e999", "0x10", "01"]) {
      const body = `{"targets":["A"],"${field}":${value}}`;
      const reply = await site.call("root", "POST", "/orchestrator/fanout", { body });
      expect([value, inShort(reply)]).toEqual([value, "400 bad_request"]);
    }
    expect(site.worker.runs).toEqual([]);
  });

  it.each(["-1", "NaN", "Infinity", "1e999", "-0.1", "soon"])(
    "%s to wait for a run is refused",
    async (wait) => {
      const site = await startSite();
      expectBlame(await send(site, callNamed("runs_get"), { wait }), [wait], "wait");
    },
  );
});

describe("a thousand targets", () => {
  it("are taken, each is asked, and each is accounted for", { timeout: 60_000 }, async () => {
    const worker = echoWorker();
    const { origin } = await startHost({ worker, concurrency: 64 });
    const names = Array.from({ length: 1_000 }, (_, at) => `n${at}`);
    const { call } = await startSite({ fleet: Object.fromEntries(names.map((name) => [name, origin])) });
    const body = { targets: names, payload: 1, aggregate: true };
    const reply = await call("root", "POST", "/orchestrator/fanout", { body });
    expect(reply.status).toBe(200);
    const expected = names.map((instance) => ({ instance, reply: "done", result: 1 }));
    expect(reply.body).toEqual(expected);
    expect(worker.runs).toHaveLength(1_000);
  });

  it("and one more are refused, and so are a thousand that nobody knows", async () => {
    const site = await startSite();
    const names = Array.from({ length: 1_001 }, (_, at) => `n${at}`);
    for (const field of ["targets", "instances"])
      expectBlame(
        await send(site, callNamed("fanout"), { targets: undefined, [field]: names }),
        [],
        "targets",
      );
    const unknown = await send(site, callNamed("fanout"), { targets: names.slice(1) });
    expect(inShort(unknown)).toBe("404 unknown_instance");
    expect(refusalIn(unknown).message).toContain("n1");
  });
});
