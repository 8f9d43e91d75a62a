import { describe, expect, it } from "vitest";
import { covers } from "../../src/core/keys.ts";
import type { Reply } from "../support/http.ts";
import { type Endpoint, endpoints } from "./support/endpoints.ts";
import { all, inShort, refusalIn } from "./support/refusal.ts";
import { type Options, SCOPES, type Site, startSite } from "./support/site.ts";

/** What each of these endpoints answers, in short. */
async function ask(site: Site, tried: readonly Endpoint[], as: string, options: Options = {}) {
  const answers = await Promise.all(
    tried.map(async ({ title, method, path, body }) => {
      const reply = await site.call(as, method, path, { body, ...options });
      if (reply.status === 401) expect(reply.headers["www-authenticate"]).toBe("Bearer");
      return [title, inShort(reply)];
    }),
  );
  return Object.fromEntries(answers);
}

const titles = (some: readonly Endpoint[]) => some.map(({ title }) => title);
const isOpen = ({ scope }: Endpoint) => scope === undefined;
const needsKey = ({ scope }: Endpoint) => scope !== undefined;

describe("every endpoint", () => {
  it("without a key answers that it demands one, or what anybody may see", async () => {
    const site = await startSite();
    expect(await ask(site, site.endpoints.filter(needsKey), "")).toEqual(
      all(titles(site.endpoints.filter(needsKey)), "401 unauthorized"),
    );
    expect(await ask(site, site.endpoints.filter(isOpen), "")).toEqual({
      "GET /api/health/check": "200",
      "GET /openapi.json": "200",
    });
    expect((await site.call("", "GET", "/api/health/check")).body).toEqual({ status: "healthy", code: 200 });
    expect(site.worker.runs).toEqual([]);
  });

  it.each([
    ["a wrong one", "Bearer wrong-key"],
    ["the right one in another scheme", "Basic root"],
    ["no word after the scheme", "Bearer"],
    ["two of them", "Bearer root ci"],
    ["one in another case", "Bearer ROOT"],
    ["one of 15,000 characters", `Bearer ${"k".repeat(15_000)}`],
    ["one that no ASCII has", "Bearer r\u00f6\u00f6t"],
    ["a token of a session that there is not", "Bearer ost_wrong-token"],
  ])("with %s for a key refuses it, and does not repeat it", async (_, authorization) => {
    const site = await startSite();
    const isToken = authorization.includes("ost_");
    const tried = site.endpoints.filter(({ sessionToken }) => !isToken || !sessionToken);
    expect(await ask(site, tried, "", { headers: { authorization } })).toEqual(
      all(titles(tried), "401 unauthorized"),
    );
    const { body } = await site.call("", "GET", "/orchestrator/runs", { headers: { authorization } });
    const said = authorization.split(" ").slice(1).join(" ");
    if (said !== "") expect(JSON.stringify([body, site.logger.lines])).not.toContain(said);
    expect(site.worker.runs).toEqual([]);
  });

  it.each(["reader", "ci", "member", "root"] as const)("asks for the scope of the key %s", async (as) => {
    const site = await startSite();
    const isCovered = ({ scope }: Endpoint) => scope === undefined || covers(SCOPES[as], scope);
    const covered = site.endpoints.filter(isCovered);
    const others = site.endpoints.filter((each) => !isCovered(each));
    expect(await ask(site, others, as)).toEqual(all(titles(others), "403 forbidden"));
    expect(site.worker.runs).toEqual([]);
    for (const { title, method, path, body, scope } of others) {
      const { message } = refusalIn(await site.call(as, method, path, { body }));
      expect([title, message]).toEqual([
        title,
        `The key "${as}" has the scope ${SCOPES[as].join()}, and this call needs ${scope}.`,
      ]);
    }
    for (const { title, method, path, body } of covered) {
      const { status } = await site.call(as, method, path, { body });
      expect([title, status]).not.toEqual([title, expect.toBeOneOf([401, 403, 500])]);
    }
  });
});

/** Every call about one run or session. */
function callsOn(runId: string, sessionId: string): Endpoint[] {
  return endpoints({ runId, sessionId, leaseId: "none" }).flatMap((endpoint) => {
    const { name, idField } = endpoint.operation ?? {};
    if (name === "aggregate") return [{ ...endpoint, body: { runId, strategy: "merge" } }];
    if (name === "sessions_send") return [{ ...endpoint, body: { sessionId, data: 1 } }];
    return idField || endpoint.path.includes(`/runs/${runId}/`) ? [endpoint] : [];
  });
}

/** An answer without what differs from one to the next of the same kind. */
function comparable({ status, headers, body }: Reply): object {
  const { date: _, "x-request-id": __, ...rest } = headers;
  return { status, headers: rest, body };
}

describe("what another key made", () => {
  it("is answered as if it did not exist, in every respect, and stays as it is", async () => {
    const { call, ids, worker } = await startSite();
    const theirs = callsOn(ids.runId, ids.sessionId);
    // As long as the ids that there are.
    const [noRun, noSession] = [ids.runId.replace(/.$/, "x"), "x"];
    const nobodys = callsOn(noRun, noSession);
    expect(theirs).toHaveLength(18);
    for (const [at, { title, method, path, body }] of theirs.entries()) {
      const seen = await call("other", method, path, { body });
      const { path: nowhere = "", body: other } = nobodys[at] ?? {};
      const unseen = await call("other", method, nowhere, { body: other });
      expect([title, seen.status]).toEqual([title, 404]);
      const named = JSON.stringify(comparable(unseen))
        .replaceAll(noRun, ids.runId)
        .replaceAll(`Session ${noSession} `, `Session ${ids.sessionId} `);
      expect(JSON.stringify(comparable(seen))).toBe(named);
    }
    expect((await call("ci", "GET", "/orchestrator/sessions/s")).body.state).toBe("open");
    expect(worker.runs).toEqual([]);
  });

  it("is not found by the same idempotency key, nor by the identical call", async () => {
    const { call, worker } = await startSite();
    const body = { instances: ["A"], payload: "mine", idempotencyKey: "k" };
    const mine = await call("ci", "POST", "/orchestrator/route", { body });
    const theirs = await call("other", "POST", "/orchestrator/route", { body });
    expect(theirs.status).toBe(200);
    expect(theirs.body.runId).not.toBe(mine.body.runId);
    expect(worker.runs).toEqual(["mine", "mine"]);
  });
});

describe("a session's token", () => {
  it("on another session is refused, and changes nothing there", async () => {
    const { call, ids, worker } = await startSite();
    await call("other", "POST", "/orchestrator/sessions/spawn", { body: { sessionId: "t", instance: "A" } });
    const send = { body: { sessionId: "t", data: "secret" } };
    for (const base of ["/api/orchestrator", "/orchestrator"]) {
      expect(inShort(await call(ids.token, "GET", `${base}/sessions/t`))).toBe("403 forbidden");
      expect(inShort(await call(ids.token, "DELETE", `${base}/sessions/t`))).toBe("403 forbidden");
      expect(inShort(await call(ids.token, "POST", `${base}/sessions/send`, send))).toBe("403 forbidden");
    }
    expect((await call("other", "GET", "/orchestrator/sessions/t")).body).toMatchObject({
      state: "open",
      transcript: [],
    });
    expect(worker.runs).toEqual([]);
  });

  it("in the body or the query is no way round the key, nor round its own session", async () => {
    const { call, ids } = await startSite();
    const send = { sessionId: "s", data: 1, token: ids.token };
    expect(inShort(await call("", "POST", "/orchestrator/sessions/send", { body: send }))).toBe(
      "401 unauthorized",
    );
    expect(inShort(await call("", "GET", `/orchestrator/sessions/s?token=${ids.token}`))).toBe(
      "401 unauthorized",
    );
    // The one that opened the door counts, whatever else is written inside.
    expect(inShort(await call("ost_other", "POST", "/orchestrator/sessions/send", { body: send }))).toBe(
      "403 forbidden",
    );
  });

  it("opens no call that takes none, and no run but those of its own sends", async () => {
    const site = await startSite();
    const { token, runId } = site.ids;
    const others = site.endpoints.filter(({ sessionToken }) => !sessionToken);
    expect(await ask(site, others, token)).toEqual(all(titles(others), "401 unauthorized"));
    const ofRuns = site.endpoints.filter(({ path, sessionToken }) => sessionToken && path.includes(runId));
    expect(await ask(site, ofRuns, token)).toEqual(all(titles(ofRuns), "404 run_not_found"));
    expect(ofRuns.length).toBeGreaterThan(0);
  });

  it("of a session that is closed sends no more", async () => {
    const { call, ids } = await startSite();
    await call(ids.token, "DELETE", "/orchestrator/sessions/s");
    const send = { body: { sessionId: "s", data: 1 } };
    expect(inShort(await call(ids.token, "POST", "/orchestrator/sessions/send", send))).toBe(
      "404 session_not_found",
    );
  });
});
