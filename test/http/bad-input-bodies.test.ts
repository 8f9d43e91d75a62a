import { describe, expect, it } from "vitest";
import { withBody } from "./support/endpoints.ts";
import { head, openLine, repliesIn, sendRaw } from "./support/raw.ts";
import { all, inShort, refusalIn } from "./support/refusal.ts";
import { type Options, type Site, startSite } from "./support/site.ts";

const MEGABYTE = 1024 * 1024;
const deep = (open: string, close: string, inner = "1") => {
  const levels = 1_000_000 / open.length;
  return `{"payload":${open.repeat(levels)}${inner}${close.repeat(levels)}}`;
};

/** What each endpoint with a body answers to a request, in short; and one of the answers in full. */
async function ask({ call, endpoints, worker }: Site, options: Options) {
  const tried = withBody(endpoints);
  const found: Record<string, string> = {};
  let message = "";
  for (const { title, method, path } of tried) {
    const reply = await call("root", method, path, options);
    found[title] = inShort(reply);
    message = refusalIn(reply).message;
    expect(refusalIn(reply).delivery).toBe("not_sent");
  }
  expect(worker.runs).toEqual([]);
  return { found, message, titles: tried.map(({ title }) => title) };
}

describe("a body", () => {
  it.each([
    ["broken", "{", "not JSON"],
    ["that breaks off", '{"instances":["A"],"payload":"x', "not JSON"],
    ["with a comma too many", '{"instances":["A"],}', "not JSON"],
    ["with a comment", '{"instances":["A"]} // A', "not JSON"],
    ["with two values", "{}{}", "not JSON"],
    ["with a number that is none", '{"timeout":NaN}', "not JSON"],
    ["with a control character in a text", '{"instances":"A\u0000"}', "not JSON"],
    ["in XML", "<a/>", "not JSON"],
    ["that is a form", "instances=A&payload=1", "not JSON"],
    ["that is empty", "", "empty"],
    ["of blanks", " \n", "not JSON"],
    ["with __proto__", '{"payload":{"__proto__":{"admin":true}}}', "prototype"],
    ["with __proto__ in disguise", '{"payload":[{"\\u005f_proto__":1}]}', "prototype"],
    ["with constructor.prototype", '{"constructor":{"prototype":{"a":1}}}', "prototype"],
    ["a million levels deep in lists", deep("[", "]"), "200 levels"],
    ["a million levels deep in objects", deep('{"a":', "}"), "200 levels"],
    ["a million levels deep, and broken", deep("[", ""), "200 levels"],
    ["201 levels deep", `{"payload":${"[".repeat(200)}${"]".repeat(200)}}`, "200 levels"],
  ])("%s is refused by every endpoint", async (_, body, reason) => {
    const site = await startSite();
    const { found, message, titles } = await ask(site, { body });
    expect(found).toEqual(all(titles, "400 bad_request"));
    expect(message).toContain(reason);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each([
    ["nothing that says its type", {}],
    ["text/plain", { "content-type": "text/plain" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["JSON of another kind", { "content-type": "application/json-seq" }],
    ["what is no type", { "content-type": "\u0001;;,=" }],
  ])("with %s is refused by every endpoint", async (_, headers) => {
    const site = await startSite();
    for (const { title, method, path } of withBody(site.endpoints)) {
      const request = head(method, path, {
        headers: { ...headers, "content-length": "2", connection: "close" },
      });
      const [reply] = await sendRaw(site.origin, `${request}{}`);
      expect([title, reply && inShort(reply)]).toEqual([title, "400 bad_request"]);
    }
    expect(site.worker.runs).toEqual([]);
  });

  it("that is not UTF-8 is refused, not altered", async () => {
    const site = await startSite();
    // Half a surrogate pair, half a character, and what is in no encoding of Unicode.
    for (const bytes of [
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x98],
      [0xff, 0xfe],
    ]) {
      const body = Buffer.concat([
        Buffer.from('{"payload":"'),
        Buffer.from(bytes),
        Buffer.from('","instances":"A"}'),
      ]);
      const { found, message, titles } = await ask(site, { body });
      expect(found).toEqual(all(titles, "400 bad_request"));
      expect(message).toContain("UTF-8");
    }
  });

  it("larger than 8 MiB is refused by every endpoint before it is read", async () => {
    const site = await startSite();
    const { found, titles } = await ask(site, { body: "x".repeat(8 * MEGABYTE + 1) });
    expect(found).toEqual(all(titles, "413 payload_too_large"));
    const request = head("POST", "/orchestrator/route", {
      headers: { "content-type": "application/json", "content-length": String(2 ** 53) },
    });
    const line = openLine(site.origin);
    line.send(request);
    await expect.poll(line.received).toMatch(/\}$/);
    expect(repliesIn(line.received()).map(inShort)).toEqual(["413 payload_too_large"]);
  });

  it("that grows beyond 8 MiB without having said so is refused", async () => {
    const site = await startSite();
    const request = head("POST", "/orchestrator/route", {
      headers: { "content-type": "application/json", "transfer-encoding": "chunked", connection: "close" },
    });
    const piece = `${MEGABYTE.toString(16)}\r\n${"x".repeat(MEGABYTE)}\r\n`;
    const [reply] = await sendRaw(site.origin, request, ...Array(9).fill(piece), "0\r\n\r\n");
    expect(reply && inShort(reply)).toBe("413 payload_too_large");
  });

  it("that is no object is refused, and where one may be left out, null is none", async () => {
    const site = await startSite();
    for (const { title, method, path, operation } of withBody(site.endpoints)) {
      // What a lease is renewed with is not looked at.
      if (method === "PUT") continue;
      for (const body of ["[]", '"x"', "1", "true"]) {
        const reply = await site.call("root", method, path, { body });
        expect([title, inShort(reply), refusalIn(reply).message]).toEqual([
          title,
          "400 bad_request",
          expect.stringContaining("object"),
        ]);
      }
      const reply = await site.call("root", method, path, { body: "null" });
      const missing = operation ? /^(instances|targets|runId|steps|strategy|sessionId): / : /object/;
      expect([title, inShort(reply)]).toEqual([title, "400 bad_request"]);
      expect(refusalIn(reply).message).toMatch(missing);
    }
  });

  it("is refused without a word of it in the log", async () => {
    const site = await startSite();
    for (const body of ["{hush", '{"hush":1}', '{"instances":"!hush"}', '{"__proto__":"hush"}'])
      expect((await site.call("root", "POST", "/orchestrator/route", { body })).status).toBeLessThan(405);
    expect(JSON.stringify(site.logger.lines)).not.toContain("hush");
    expect(site.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("a payload", () => {
  it.each([
    ["with NUL and other control characters", "a\u0000b\u0007\u001b[31m\u007f\u2028"],
    ["with half surrogate pairs", "\ud800 and \udfff, \udc00\ud83d"],
    ["with a whole one", "\ud83d\ude00"],
    ["with NUL and half a pair in its keys", { "\u0000": 1, "\ud800": { "\udc00": [] } }],
    ["with keys that objects have anyway", { constructor: 1, toString: "x", hasOwnProperty: null }],
    ["with a prototype that nothing constructs", { prototype: { a: 1 }, proto: 1 }],
    ["199 levels deep", JSON.parse(`${"[".repeat(199)}${"]".repeat(199)}`)],
    ["of numbers at the edge", [0, 1e-7, 1.7976931348623157e308, 5e-324, 9007199254740991]],
    ["of nothing", ["", {}, [], null, false, 0]],
    ["that looks like an answer of ours", { error: { code: "internal", message: "x" }, reply: "failed" }],
  ])("%s comes back unchanged, from work and from store", async (_, payload) => {
    const { call } = await startSite();
    const work = { instances: ["A"], payload };
    const { status, body } = await call("root", "POST", "/orchestrator/route", { body: work });
    expect([status, body.result]).toEqual([200, payload]);
    const run = await call("root", "GET", `/orchestrator/runs/${body.runId}`);
    expect(run.body.outcomes).toMatchObject([{ reply: "done", result: payload }]);
    const send = await call("ci", "POST", "/orchestrator/sessions/send", {
      body: { sessionId: "s", data: payload },
    });
    expect(send.body.result).toEqual(payload);
    const { transcript } = (await call("ci", "GET", "/orchestrator/sessions/s")).body;
    expect(transcript).toMatchObject([{ data: payload, result: payload }]);
  });

  it("whose keys come twice has the last of each, which is JSON's own rule; so has the request", async () => {
    const { call } = await startSite();
    const body = '{"instances":["no-such"],"payload":{"a":1,"b":[{"c":1,"c":2}],"a":3},"instances":["A"]}';
    const reply = await call("root", "POST", "/orchestrator/route", { body });
    expect([reply.status, reply.body.result]).toEqual([200, { a: 3, b: [{ c: 2 }] }]);
  });

  it("after a byte order mark is read as if it had none", async () => {
    const { call } = await startSite();
    const body = '\ufeff{"instances":["A"],"payload":"\u00e9\u{1f600}"}';
    const reply = await call("root", "POST", "/orchestrator/route", { body });
    expect([reply.status, reply.body.result]).toEqual([200, "\u00e9\u{1f600}"]);
  });
});
