import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adminKey } from "../../src/core/keys.ts";
import type { Served, ServeOptions } from "../../src/http/serve.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { type HttpClient, httpClient } from "../support/http.ts";
import { startServer } from "./harness.ts";

let clock: FakeClock;
let client: HttpClient;
let served: Served;

beforeEach(() => {
  clock = fakeClock();
  client = httpClient();
});

afterEach(async () => {
  await client.close();
  await served.close();
});

async function start(options: Partial<ServeOptions> = {}): Promise<void> {
  served = await startServer({ clock, ...options });
}

const A = { instanceId: "A", url: "http://127.0.0.1:7501/base", protocol: "rest", tags: ["search"] };

const register = (body: unknown) => client.call("POST", `${served.origin}/api/cluster/register`, { body });
const renew = (id: string) => client.call("PUT", `${served.origin}/api/cluster/leases/${id}`);
const deregister = (id: string) => client.call("DELETE", `${served.origin}/api/cluster/leases/${id}`);
const members = async (query = "") =>
  (await client.call("GET", `${served.origin}/api/cluster/members${query}`)).body.members;

describe("registering", () => {
  it("an instance gives it a lease and lists it with its URL as given and its origin", async () => {
    await start();
    const { status, body } = await register(A);
    expect(status).toBe(200);
    expect(body).toEqual({ leaseId: expect.stringMatching(/^[\w-]{22}$/), ttlSeconds: 30 });
    const [since, until] = [clock.now(), clock.now() + 30_000];
    expect(await members()).toEqual([
      {
        kind: "instance",
        name: "A",
        url: "http://127.0.0.1:7501/base",
        origin: "http://127.0.0.1:7501",
        protocol: "rest",
        tags: ["search"],
        since,
        until,
      },
    ]);
  });

  it("a skill lists it, and each kind can be listed alone", async () => {
    await start();
    expect((await register({ skillId: "orchestrator" })).body.ttlSeconds).toBe(30);
    await register(A);
    expect(await members()).toHaveLength(2);
    expect(await members("?kind=skill")).toMatchObject([{ kind: "skill", name: "orchestrator" }]);
    expect(await members("?kind=instance")).toMatchObject([{ kind: "instance", name: "A" }]);
  });

  it("needs neither protocol nor tags, and ignores fields of later versions", async () => {
    await start();
    await register({ instanceId: "A", url: "http://127.0.0.1:1", load: { inFlight: 3 } });
    expect(await members()).toMatchObject([{ name: "A", protocol: "rest", tags: [] }]);
    expect((await members())[0]).not.toHaveProperty("load");
  });

  it.each([
    [{}, "skillId"],
    [undefined, "object"],
    [[], "object"],
    [{ skillId: "a b" }, "skillId"],
    [{ skillId: 7 }, "skillId"],
    [{ skillId: "s", instanceId: "A" }, "not both"],
    [{ instanceId: "A" }, "url"],
    [{ ...A, instanceId: "-A" }, "instanceId"],
    [{ ...A, url: "ftp://127.0.0.1" }, "url"],
    [{ ...A, url: "http://169.254.169.254/latest" }, "link-local"],
    [{ ...A, url: "http://[fe80::1]:1" }, "link-local"],
    [{ ...A, url: "http://user:secret@127.0.0.1" }, "password"],
    [{ ...A, protocol: "telepathy" }, "protocol"],
    [{ ...A, tags: "search" }, "tags"],
    [{ ...A, leaseId: 5 }, "leaseId"],
  ])("%j is refused, with the reason", async (body, reason) => {
    await start();
    const { status, body: answer } = await register(body);
    expect(status).toBe(400);
    expect(answer.error.code).toBe("bad_request");
    expect(answer.error.message).toContain(reason);
    expect(await members()).toEqual([]);
  });

  it("a live name from another origin is a conflict, unless its lease comes along", async () => {
    await start();
    const { leaseId } = (await register(A)).body;
    const elsewhere = { ...A, url: "http://127.0.0.1:7502" };
    const { status, body } = await register(elsewhere);
    expect(status).toBe(409);
    expect(body.error).toMatchObject({ code: "conflict", instance: "A", retryable: false });
    expect((await register({ ...elsewhere, leaseId })).body.leaseId).toBe(leaseId);
    expect(await members()).toMatchObject([{ origin: "http://127.0.0.1:7502" }]);
  });

  it("is for the allowed hosts alone where there is a list of them", async () => {
    await start({ allow: ["mac-mini", "::1"] });
    const { status, body } = await register(A);
    expect(status).toBe(403);
    expect(body.error.message).toContain("127.0.0.1");
    expect(body.error.action).toContain("cluster.allow");
    expect((await register({ ...A, url: "http://Mac-Mini:7501" })).status).toBe(200);
    expect((await register({ ...A, instanceId: "B", url: "http://[::1]:7501" })).status).toBe(200);
    expect((await register({ skillId: "orchestrator" })).status).toBe(200);
  });
});

describe("a lease", () => {
  it("is renewed, and 404 once it has run out", async () => {
    await start();
    const { leaseId } = (await register(A)).body;
    await clock.advance(29_000);
    expect((await renew(leaseId)).body).toEqual({ leaseId, ttlSeconds: 30 });
    await clock.advance(30_000);
    const { status, body } = await renew(leaseId);
    expect(status).toBe(404);
    expect(body.error.action).toContain("Register again");
    expect(await members()).toMatchObject([{ name: "A", until: clock.now() }]);
  });

  it("may be renewed with load figures", async () => {
    await start();
    const { leaseId } = (await register(A)).body;
    const url = `${served.origin}/api/cluster/leases/${leaseId}`;
    expect((await client.call("PUT", url, { body: { inFlight: 3 } })).status).toBe(200);
  });

  it("is given back, which may be said twice", async () => {
    await start();
    const { leaseId } = (await register(A)).body;
    expect((await deregister(leaseId)).body).toEqual({ deregistered: true });
    expect(await members()).toEqual([]);
    const again = await deregister(leaseId);
    expect(again.status).toBe(200);
    expect(again.body).toEqual({ deregistered: false });
  });
});

it("refuses to list an unknown kind of members", async () => {
  await start();
  const { status, body } = await client.call("GET", `${served.origin}/api/cluster/members?kind=robots`);
  expect(status).toBe(400);
  expect(body.error.message).toContain("kind");
});

describe("with a key", () => {
  const headers = { authorization: "Bearer k" };

  it("demands it for every call of the cluster API", async () => {
    await start({ keys: () => [adminKey("k")] });
    expect((await register(A)).status).toBe(401);
    expect((await renew("x")).status).toBe(401);
    expect((await deregister("x")).status).toBe(401);
    expect((await client.call("GET", `${served.origin}/api/cluster/members`)).status).toBe(401);
    expect((await client.call("GET", `${served.origin}/api/cluster/members`, { headers })).status).toBe(200);
  });

  it("shows whoever has none that it is healthy, and nothing else", async () => {
    await start({ keys: () => [adminKey("k")] });
    const check = `${served.origin}/api/health/check`;
    expect((await client.call("GET", check)).body).toEqual({ status: "healthy", code: 200 });
    await client.call("POST", `${served.origin}/api/cluster/register`, { body: A, headers });
    expect((await client.call("GET", check, { headers })).body).toMatchObject({
      status: "healthy",
      code: 200,
      members: { instances: 1, skills: 0 },
    });
  });
});
