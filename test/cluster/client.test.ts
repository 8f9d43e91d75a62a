import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ClusterRegistration,
  createRegistration,
  type RegistrationOptions,
} from "../../src/cluster/client.ts";
import { createMembers } from "../../src/cluster/members.ts";
import { adminKey } from "../../src/core/keys.ts";
import type { Served } from "../../src/http/serve.ts";
import { startServer } from "../http/harness.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";
import { recordingLogger } from "../support/logger.ts";

const A = { instanceId: "A", url: "http://127.0.0.1:7501", tags: ["search"] };

let clock: FakeClock;
let log: ReturnType<typeof recordingLogger>;
let ends: (() => Promise<unknown>)[];

beforeEach(() => {
  clock = fakeClock();
  log = recordingLogger();
  ends = [];
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
});

async function cluster({ port = 0, key = "" } = {}): Promise<Served> {
  const served = await startServer({ port, clock, keys: () => (key === "" ? [] : [adminKey(key)]) });
  ends.push(served.close);
  return served;
}

/** Something at the cluster's place that is none. */
async function impostor(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server: Server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return originOf(server);
}

const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function registration(url: string, options: Partial<RegistrationOptions> = {}): ClusterRegistration {
  const member = createRegistration({
    url,
    body: A,
    apiKey: () => undefined,
    clock,
    random: () => 0.5,
    logger: log,
    ...options,
  });
  ends.push(() => member.close());
  return member;
}

async function names(url: string): Promise<string[]> {
  const members = createMembers({ url, apiKey: () => undefined });
  try {
    return (await members.list("instance")).map(({ name }) => name);
  } finally {
    await members.close();
  }
}

const status = (member: ClusterRegistration) => expect.poll(() => member.state().status, { timeout: 8_000 });
const said = (level: string) => log.lines.filter((line) => line.level === level);
/** Moves to the next timer, so that the next attempt goes out. */
const next = () => clock.advance(clock.due[0] ?? 0);
const waits = () => expect.poll(() => clock.timers, { timeout: 8_000 }).toBe(1);

describe("a member", () => {
  it("registers in the background and hands out its lease", async () => {
    const { origin } = await cluster();
    const leases: string[] = [];
    const member = registration(origin, { onLease: (leaseId) => leases.push(leaseId) });
    expect(member.state()).toEqual({ status: "starting" });
    expect(member.start()).toBeUndefined();
    await status(member).toBe("registered");
    expect(leases).toEqual([member.state().leaseId]);
    expect(await names(origin)).toEqual(["A"]);
    expect(log.lines).toMatchObject([{ level: "info", facts: { cluster: origin, instance: "A" } }]);
  });

  it("renews at a third of its lease for as long as it lives", async () => {
    const { origin } = await cluster();
    const member = registration(origin);
    member.start();
    for (let i = 0; i < 9; i++) {
      await waits();
      expect(clock.due).toEqual([10_000]);
      await next();
    }
    await waits();
    expect(clock.monotonic()).toBe(90_000);
    expect(await names(origin)).toEqual(["A"]);
    expect(said("info")).toHaveLength(1);
  });

  it("starts once however often it is told to", async () => {
    const { origin } = await cluster();
    const member = registration(origin, { body: { skillId: "orchestrator" } });
    member.start();
    member.start();
    await waits();
    expect(clock.timers).toBe(1);
  });

  it("is gone from the list once it closes, and says nothing more", async () => {
    const { origin } = await cluster();
    const member = registration(origin);
    member.start();
    await status(member).toBe("registered");
    await member.close();
    expect(await names(origin)).toEqual([]);
    expect(member.state().status).toBe("closed");
    expect(clock.timers).toBe(0);
    member.start();
    await clock.advance(60_000);
    expect(await names(origin)).toEqual([]);
  });

  it("that closes while it registers leaves nothing behind", async () => {
    const { origin } = await cluster();
    const member = registration(origin);
    member.start();
    await member.close();
    expect(await names(origin)).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe("a missing cluster", () => {
  it("is said once, tried again at growing intervals, and found when it appears on its port", async () => {
    const { origin, close } = await cluster();
    await close();
    const member = registration(origin);
    member.start();
    const delays: number[] = [];
    for (let i = 0; i < 10; i++) {
      await waits();
      delays.push(clock.due[0] ?? 0);
      await next();
    }
    await waits();
    // Full jitter with a random number that is always one half.
    expect(delays).toEqual([125, 250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    expect(member.state()).toMatchObject({ status: "missing", error: { code: "instance_down" } });
    expect(said("warn")).toHaveLength(1);
    expect(said("warn")[0]?.message).toContain(origin);

    await cluster({ port: Number(new URL(origin).port) });
    await next();
    await status(member).toBe("registered");
    expect(member.state()).not.toHaveProperty("error");
    expect(await names(origin)).toEqual(["A"]);
    expect(said("warn")).toHaveLength(1);
    expect(said("info")).toHaveLength(1);
  });

  it("that hangs delays neither start nor, by much, close", async () => {
    const gate = new EventEmitter();
    const asked = once(gate, "asked");
    const url = await impostor(() => gate.emit("asked"));
    const member = registration(url);
    const before = performance.now();
    member.start();
    expect(performance.now() - before).toBeLessThan(1_000);
    await asked;
    const closing = performance.now();
    await member.close();
    expect(performance.now() - closing).toBeLessThan(3_000);
    expect(log.lines).toEqual([]);
  });

  it("is one that does not answer in five seconds", async () => {
    const url = await impostor(() => {});
    const member = registration(url);
    member.start();
    await status(member).toBe("missing");
    expect(said("warn")[0]?.message).toContain("no answer in time");
  });
});

describe("a cluster that was restarted", () => {
  it("gets the member back", async () => {
    const first = await cluster();
    const leases: string[] = [];
    const member = registration(first.origin, { onLease: (leaseId) => leases.push(leaseId) });
    member.start();
    await waits();
    await first.close();
    await cluster({ port: Number(new URL(first.origin).port) });
    expect(await names(first.origin)).toEqual([]);
    const afterAttempt = async () => {
      await next();
      return names(first.origin);
    };
    await expect.poll(afterAttempt, { timeout: 8_000 }).toEqual(["A"]);
    await status(member).toBe("registered");
    expect(leases).toHaveLength(2);
    expect(member.state().leaseId).toBe(leases[1]);
  });
});

describe("a name that somebody else holds", () => {
  it("is said once and asked for slowly until it is free", async () => {
    const { origin } = await cluster();
    const holder = registration(origin, { logger: recordingLogger() });
    holder.start();
    await status(holder).toBe("registered");
    const member = registration(origin, { body: { ...A, url: "http://127.0.0.1:7502" } });
    member.start();
    await status(member).toBe("refused");
    expect(member.state().error?.code).toBe("conflict");
    await expect.poll(() => clock.due).toEqual([10_000, 22_500]);
    await next();
    await expect.poll(() => clock.due).toEqual([10_000, 12_500]);
    await next();
    await expect.poll(() => clock.due).toEqual([2_500, 10_000]);
    await next();
    await expect.poll(() => clock.due).toEqual([7_500, 22_500]);
    expect(said("warn")).toHaveLength(1);
    expect(said("warn")[0]).toMatchObject({ facts: { code: "conflict" } });

    await holder.close();
    await next();
    await status(member).toBe("registered");
  });

  it("is claimed again from another port with the lease that was kept", async () => {
    const { origin } = await cluster();
    let kept = "";
    const before = registration(origin, { onLease: (leaseId) => (kept = leaseId) });
    before.start();
    await status(before).toBe("registered");
    const after = registration(origin, { body: { ...A, url: "http://127.0.0.1:7502", leaseId: kept } });
    after.start();
    await status(after).toBe("registered");
    expect(after.state().leaseId).toBe(kept);
    const members = createMembers({ url: origin, apiKey: () => undefined });
    ends.push(members.close);
    expect(await members.list("instance")).toMatchObject([{ name: "A", url: "http://127.0.0.1:7502" }]);
  });
});

describe("the key", () => {
  it("is read for each request, so that a corrected one is taken up", async () => {
    const { origin } = await cluster({ key: "right" });
    let key: string | undefined;
    const member = registration(origin, { apiKey: () => key });
    member.start();
    await status(member).toBe("refused");
    expect(member.state().error?.code).toBe("unauthorized");
    key = "right";
    await waits();
    await next();
    await status(member).toBe("registered");
  });

  it("goes to nobody whom the cluster's answer points to", async () => {
    const stolen: IncomingMessage[] = [];
    const thief = await impostor((request, response) => {
      stolen.push(request);
      response.end("{}");
    });
    const url = await impostor((_, response) => response.writeHead(307, { location: thief }).end());
    const member = registration(url, { apiKey: () => "secret" });
    member.start();
    await status(member).toBe("missing");
    expect(member.state().error?.message).toContain("status 307");
    expect(stolen).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toContain("secret");
  });
});

describe("what is no cluster", () => {
  it.each([
    ["no such path", 404, '{"error":{"code":"bad_request","message":"Nothing here."}}', "without a lease"],
    ["a web page", 200, "<html></html>", "not JSON"],
    ["an empty answer", 200, "", "not JSON"],
    ["a lease without a time", 200, '{"leaseId":"x"}', "without a lease"],
    ["a lease without an end", 200, '{"leaseId":"x","ttlSeconds":1e9}', "without a lease"],
    ["an error of its own", 500, "oops", "status 500"],
    ["an endless answer", 200, `"${"x".repeat(100_000)}"`, "too large"],
  ])("answering with %s is said to be none, and tried again", async (_, code, text, reason) => {
    let asked = 0;
    const url = await impostor((_request, response) => {
      asked++;
      response.writeHead(code).end(text);
    });
    const member = registration(url);
    member.start();
    await waits();
    expect(said("warn")).toHaveLength(1);
    expect(said("warn")[0]?.message).toContain(reason);
    await next();
    await expect.poll(() => asked).toBe(2);
  });
});
