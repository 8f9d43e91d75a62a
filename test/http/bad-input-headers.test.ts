import { describe, expect, it } from "vitest";
import { askBare as ask, type Head, sendRaw } from "./support/raw.ts";
import { all, inShort, refusalIn } from "./support/refusal.ts";
import { startSite } from "./support/site.ts";

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
