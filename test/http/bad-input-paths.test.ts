import { describe, expect, it } from "vitest";
import { type Head, head, sendRaw } from "./support/raw.ts";
import { all, inShort, refusalIn } from "./support/refusal.ts";
import { type Site, startSite } from "./support/site.ts";

/** The one answer to a request without a body, on a connection of its own. */
async function ask({ origin }: Site, method: string, path: string, { headers, ...facts }: Head = {}) {
  const request = head(method, path, { ...facts, headers: { connection: "close", ...headers } });
  const replies = await sendRaw(origin, request);
  expect([path, replies.length]).toEqual([path, 1]);
  return replies[0] as (typeof replies)[number];
}

const BASES = ["/api/orchestrator", "/orchestrator"];

describe("a path", () => {
  it.each([
    "/",
    "//",
    "/api",
    "/orchestrator",
    "/orchestrator/",
    "/orchestrator//runs",
    "/orchestrator/runs/x/y",
    "/orchestrator/runs/../../etc/passwd",
    "/orchestrator/./runs",
    "/orchestrator/..%2fruns",
    "/orchestrator%2Fruns",
    "/Orchestrator/runs",
    "/orchestrator/runs;a=b",
    "/orchestrator/__proto__",
    "/orchestrator/sessions/constructor/prototype",
    "/api/cluster/leases",
    "/api/cluster/members/",
    "/api/tasks",
    "/openapi.json/",
    "http://evil.example/x",
  ])("that is none of ours, %s, is said to be answered by nobody", async (path) => {
    const site = await startSite();
    const reply = await ask(site, "GET", path);
    expect([reply.status, refusalIn(reply).message]).toEqual([
      404,
      expect.stringContaining("Nothing answers"),
    ]);
  });

  it("of ten thousand characters is not repeated in full", async () => {
    const site = await startSite();
    const { message } = refusalIn(await ask(site, "GET", `/${"a/".repeat(5_000)}`));
    expect(message).toMatch(/^Nothing answers GET (\/a){100}… here\.$/);
  });

  it.each([
    "/orchestrator/runs/%",
    "/orchestrator/runs/%zz",
    "/orchestrator/sessions/%c0%ae",
    "/%ff",
    "/%e0%80",
    "/\u00ff\u00fe",
  ])("that cannot be decoded, %s, is refused", async (path) => {
    const site = await startSite();
    expect(inShort(await ask(site, "GET", path))).toBe("400 bad_request");
  });

  it("with an id that is none is refused, or stands for nothing", async () => {
    const site = await startSite();
    const ids = [
      ["..%2f..%2fetc%2fpasswd", "404 run_not_found"],
      ["%2e%2e", "404 run_not_found"],
      ["__proto__", "404 run_not_found"],
      ["constructor", "404 run_not_found"],
      ["a%0d%0aset-cookie:%20a=b", "404 run_not_found"],
      ["%e6%97%a5%e6%9c%ac", "404 run_not_found"],
      ["%f0%9f%98%80", "404 run_not_found"],
      ["%7f", "404 run_not_found"],
      ["%00", "400 bad_request"],
      ["", "400 bad_request"],
      ["a".repeat(129), "400 bad_request"],
      ["a".repeat(300), "400 bad_request"],
      ["a".repeat(10_000), "400 bad_request"],
    ] as const;
    for (const base of BASES) {
      for (const [id, answer] of ids) {
        const run = `${base}/runs/${id}`;
        for (const [method, path] of [
          ["GET", run],
          ["DELETE", run],
          ["GET", `${run}/events`],
        ] as const) {
          const reply = await ask(site, method, path);
          expect([method, path, inShort(reply)]).toEqual([method, path, answer]);
          expect(reply.headers).not.toHaveProperty("set-cookie");
        }
        const session = await ask(site, "GET", `${base}/sessions/${id}`);
        const isName = id === "constructor";
        expect([id, inShort(session)]).toEqual([id, isName ? "404 session_not_found" : "400 bad_request"]);
      }
    }
    expect(inShort(await ask(site, "PUT", "/api/cluster/leases/%0d%0a"))).toBe("404 unknown_instance");
    expect((await ask(site, "DELETE", "/api/cluster/leases/__proto__")).body).toEqual({
      deregistered: false,
    });
    expect(site.logger.lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
  });

  it.each(["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "LINK"])(
    "of ours with the method %s is answered by nobody",
    async (method) => {
      const site = await startSite();
      const paths = site.endpoints.filter((each) => each.method !== method).map(({ path }) => path);
      const tried = [...new Set(paths)].filter((path) => method !== "PUT" || !path.includes("leases"));
      const found: Record<string, string> = {};
      for (const path of tried) found[path] = inShort(await ask(site, method, path));
      expect(found).toEqual(all(tried, "404 bad_request"));
      expect(site.worker.runs).toEqual([]);
    },
  );

  it("asked for its head alone has what GET has without the body, but a stream of events has none", async () => {
    const { call, ids } = await startSite();
    expect(await call("root", "HEAD", "/orchestrator/runs")).toMatchObject({ status: 200, body: "" });
    expect((await call("root", "HEAD", "/orchestrator/runs/none")).status).toBe(404);
    expect((await call("root", "HEAD", `/orchestrator/runs/${ids.runId}/events`)).status).toBe(404);
    expect((await call("", "HEAD", "/orchestrator/runs")).status).toBe(401);
  });

  it("that would be a tunnel is none", async () => {
    const site = await startSite();
    expect(inShort(await ask(site, "CONNECT", "example.org:443"))).toBe("400 bad_request");
  });
});

describe("a query", () => {
  it.each([
    ["runs?limit=1&limit=2", "limit"],
    ["runs?limit[]=1", "limit[]"],
    ["runs?limit=%00", "limit"],
    ["runs?__proto__=1", "__proto__"],
    ["runs?__proto__[admin]=1", "__proto__[admin]"],
    ["runs?constructor=1", "constructor"],
    ["runs?a=%zz", "a"],
    ["runs?=1", ": no such field"],
    ["sessions/s?limit=9007199254740993", "limit"],
    ["sessions/s?after=-1", "after"],
    ["sessions/s?after=1&after=2", "after"],
    ["health?detail=yes", "detail"],
    ["health?instances=", "instances"],
    ["health?instances=A&targets=B", "targets"],
    ["runs/RUN?offset=1e400", "offset"],
    ["runs/RUN?instance=%ed%a0%80", "instance"],
    ["runs/RUN?instance=A%00", "instance"],
    ["runs/RUN/events?after=x", "after"],
    ["runs/RUN/events?a=b", "a"],
  ])("%s is refused, and the field is named", async (path, field) => {
    const site = await startSite();
    for (const base of BASES) {
      const reply = await ask(site, "GET", `${base}/${path.replace("RUN", site.ids.runId)}`);
      expect(inShort(reply)).toBe("400 bad_request");
      expect(refusalIn(reply).message).toMatch(new RegExp(`^${field.replace(/[[\]]/g, "\\$&")}`));
    }
    expect(({} as { admin?: string }).admin).toBeUndefined();
  });

  it("that is too long for the headers is refused", async () => {
    const site = await startSite();
    const reply = await ask(site, "GET", `/orchestrator/runs?after=${"a".repeat(20_000)}`);
    expect([inShort(reply), refusalIn(reply).message]).toEqual([
      "400 bad_request",
      "The headers are larger than this server takes.",
    ]);
  });

  it("is never in the log", async () => {
    const site = await startSite();
    for (const path of ["/orchestrator/sessions/s", "/nowhere", "/orchestrator/runs/x", "/%zz"])
      await ask(site, "GET", `${path}?token=hush`);
    expect(JSON.stringify(site.logger.lines)).not.toContain("hush");
  });
});

describe("headers", () => {
  it.each([
    ["larger than 16 KiB in all", { "x-large": "x".repeat(20_000) }],
    [
      "of which there are two thousand",
      Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`x-${n}`, "1"])),
    ],
    ["with a control character", { "x-odd": "a\u0000b" }],
    ["with a name that is none", { "x odd": "1" }],
    ["that give two lengths", { "content-length": "1", "Content-Length": "2" }],
    ["that give a length of chunks", { "content-length": "1", "transfer-encoding": "chunked" }],
    ["that give a length that is none", { "content-length": "-1" }],
    ["that give an encoding that is none", { "transfer-encoding": "rubbish" }],
  ])("%s are refused", async (_, headers) => {
    const site = await startSite();
    const reply = await ask(site, "POST", "/orchestrator/route", { headers });
    expect(inShort(reply)).toBe("400 bad_request");
    expect(site.worker.runs).toEqual([]);
  });

  it.each(["x", "-1", "1.5", "9".repeat(400), "\u00ff"])(
    "that count hops as %s are refused",
    async (hops) => {
      const site = await startSite();
      const reply = await ask(site, "GET", "/orchestrator/runs", { headers: { "orchestrator-hops": hops } });
      expect([inShort(reply), refusalIn(reply).message]).toEqual([
        "400 bad_request",
        expect.stringContaining("Orchestrator-Hops"),
      ]);
    },
  );

  it("that count too many hops are a loop", async () => {
    const site = await startSite();
    const headers = { "orchestrator-hops": "999999999" };
    expect(inShort(await ask(site, "GET", "/orchestrator/runs", { headers }))).toBe("508 loop_detected");
  });

  it("that ask for what nobody knows are passed over", async () => {
    const site = await startSite();
    const reply = await ask(site, "GET", "/orchestrator/runs", { headers: { expect: "miracles" } });
    expect(reply.status).toBe(200);
  });

  it.each(["0", "ffff", "x", "", "f".repeat(5_000)])("with the event id %s do no harm", async (id) => {
    const site = await startSite();
    const path = `/orchestrator/runs/${site.ids.runId}/events`;
    const { status } = await site.call("root", "GET", path, { headers: { "last-event-id": id } });
    expect(status).toBe(/^[0-9a-f]{1,4096}$/.test(id) ? 200 : 400);
  });
});

describe("a page of another site", () => {
  it.each([
    ["the host", { host: "evil.example" }],
    ["the host and a port", { host: "127.0.0.1.evil.example:80" }],
    ["no host", { host: "" }],
    ["a host that is none", { host: "localhost, evil.example" }],
    ["the origin", { headers: { origin: "http://evil.example" } }],
    ["no origin of its own", { headers: { origin: "null" } }],
    ["the origin of another port", { headers: { origin: "http://localhost:1" } }],
  ] as const)(
    "that sends %s is refused at every endpoint, with the right key too",
    async (_, facts: Head) => {
      const site = await startSite();
      const found: Record<string, string> = {};
      for (const as of ["root", "", "wrong"])
        for (const { title, method, path } of site.endpoints)
          found[`${title} ${as}`] = inShort(await ask(site, method, path, { ...facts, as }));
      expect(found).toEqual(all(Object.keys(found), "403 forbidden"));
      expect(site.worker.runs).toEqual([]);
    },
  );

  it("is refused without any host as well", async () => {
    const site = await startSite();
    for (const version of ["1.0", "1.1"]) {
      const [reply] = await sendRaw(
        site.origin,
        `GET /openapi.json HTTP/${version}\r\nConnection: close\r\n\r\n`,
      );
      expect(reply && inShort(reply)).toBe("403 forbidden");
    }
  });

  it("learns nothing from what it may ask first", async () => {
    const site = await startSite();
    const headers = { origin: "http://evil.example", "access-control-request-method": "POST" };
    const reply = await ask(site, "OPTIONS", "/orchestrator/route", { as: "", headers });
    expect(inShort(reply)).toBe("403 forbidden");
    expect(Object.keys(reply.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});
