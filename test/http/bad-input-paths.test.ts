import { describe, expect, it } from "vitest";
import { askBare as ask } from "./support/raw.ts";
import { all, inShort, refusalIn } from "./support/refusal.ts";
import { startSite } from "./support/site.ts";

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
      const answering = site.endpoints.filter((each) => each.method === method).map(({ path }) => path);
      const tried = [...new Set(site.endpoints.map(({ path }) => path))].filter(
        (path) => !answering.includes(path),
      );
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
    ["runs?after=%00", "after"],
    ["sessions?after=a%00", "after"],
    ["runs/%00", "runId"],
    ["runs/%00/events", "runId"],
    ["runs?__proto__=1", "__proto__"],
    ["runs?__proto__[admin]=1", "__proto__[admin]"],
    ["runs?constructor=1", "constructor"],
    ["runs?a=%zz", "a"],
    ["runs?=1", "no such field"],
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
      expect(refusalIn(reply).message).toMatch(new RegExp(`^(: )?${field.replace(/[[\]]/g, "\\$&")}`));
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
