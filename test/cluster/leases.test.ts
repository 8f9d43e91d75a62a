import { beforeEach, describe, expect, it } from "vitest";
import { createLeaseTable, type LeaseTable } from "../../src/cluster/leases.ts";
import type { Registration } from "../../src/cluster/registration.ts";
import { type FakeClock, fakeClock } from "../support/clock.ts";

const TTL_MS = 30_000;

let clock: FakeClock;
let leases: LeaseTable;

beforeEach(() => {
  let given = 0;
  clock = fakeClock();
  leases = createLeaseTable({ clock, ids: { random: () => `lease${++given}` } });
});

const instance = (name: string, port: number): Registration => ({
  kind: "instance",
  name,
  url: `http://127.0.0.1:${port}/base`,
  origin: `http://127.0.0.1:${port}`,
  protocol: "rest",
  tags: ["search"],
});
const skill: Registration = { kind: "skill", name: "orchestrator" };

/** Those whose lease is alive. */
const names = (kind?: "instance" | "skill") =>
  leases
    .list(kind)
    .filter(({ until }) => until > clock.now())
    .map(({ name }) => name);

describe("a lease", () => {
  it("lasts 30 seconds and shows since when and until when", () => {
    const since = clock.now();
    expect(leases.register(instance("A", 1))).toEqual({ leaseId: "lease1", ttlSeconds: 30 });
    expect(leases.list()).toEqual([{ ...instance("A", 1), since, until: since + TTL_MS }]);
  });

  it("runs out at its end and not before", async () => {
    const { leaseId } = leases.register(instance("A", 1));
    await clock.advance(TTL_MS - 1);
    expect(names()).toEqual(["A"]);
    await clock.advance(1);
    expect(names()).toEqual([]);
    expect(leases.renew(leaseId)).toBeUndefined();
  });

  it("goes on from each renewal, with its beginning unchanged", async () => {
    const since = clock.now();
    const { leaseId } = leases.register(instance("A", 1));
    await clock.advance(20_000);
    expect(leases.renew(leaseId)).toEqual({ leaseId, ttlSeconds: 30 });
    await clock.advance(20_000);
    expect(leases.list()).toMatchObject([{ since, until: clock.now() + 10_000 }]);
  });

  it("ends when it is given back, once", () => {
    const { leaseId } = leases.register(instance("A", 1));
    expect(leases.deregister(leaseId)).toEqual(instance("A", 1));
    expect(leases.deregister(leaseId)).toBeUndefined();
    expect(names()).toEqual([]);
  });

  it("that has run out cannot be given back", async () => {
    const { leaseId } = leases.register(instance("A", 1));
    await clock.advance(TTL_MS);
    expect(leases.deregister(leaseId)).toBeUndefined();
  });

  it("that nobody was given is neither renewed nor given back", () => {
    expect(leases.renew("made-up")).toBeUndefined();
    expect(leases.deregister("made-up")).toBeUndefined();
  });
});

describe("a live instance's name", () => {
  it("is refused to another origin, which is told who has it and for how long", async () => {
    leases.register(instance("A", 1));
    await clock.advance(10_000);
    expect(() => leases.register(instance("A", 2))).toThrowError(
      expect.objectContaining({
        code: "conflict",
        instance: "A",
        message: expect.stringContaining("http://127.0.0.1:1"),
        action: expect.stringContaining("20 s"),
      }),
    );
    expect(leases.list()).toMatchObject([{ origin: "http://127.0.0.1:1" }]);
  });

  it("is refused to another origin that carries somebody else's lease", () => {
    leases.register(instance("A", 1));
    const { leaseId } = leases.register(instance("B", 2));
    expect(() => leases.register(instance("A", 2), leaseId)).toThrowError(/already registered/);
    expect(names()).toEqual(["A", "B"]);
  });

  it("moves to another origin by its lease, and begins anew there", async () => {
    const { leaseId } = leases.register(instance("A", 1));
    await clock.advance(1_000);
    expect(leases.register(instance("A", 2), leaseId).leaseId).toBe(leaseId);
    expect(leases.list()).toMatchObject([{ origin: "http://127.0.0.1:2", since: clock.now() }]);
  });

  it("stays where it is by its lease, since when it was there", async () => {
    const since = clock.now();
    const { leaseId } = leases.register(instance("A", 1));
    await clock.advance(1_000);
    leases.register(instance("A", 1), leaseId);
    expect(leases.list()).toMatchObject([{ since, until: clock.now() + TTL_MS }]);
  });

  it("is given again to its own origin, and the old lease's goodbye does not end the new one", () => {
    const before = leases.register(instance("A", 1));
    const after = leases.register(instance("A", 1));
    expect(after.leaseId).not.toBe(before.leaseId);
    expect(leases.deregister(before.leaseId)).toBeUndefined();
    expect(names()).toEqual(["A"]);
  });

  it("is free once its lease has run out or was given back", async () => {
    const { leaseId } = leases.register(instance("A", 1));
    leases.deregister(leaseId);
    leases.register(instance("A", 2));
    await clock.advance(TTL_MS);
    leases.register(instance("A", 3));
    expect(leases.list()).toMatchObject([{ origin: "http://127.0.0.1:3" }]);
  });
});

describe("a skill", () => {
  it("has a lease for each that registers, and is one member until the last is gone", async () => {
    const since = clock.now();
    const first = leases.register(skill);
    await clock.advance(5_000);
    const second = leases.register(skill);
    expect(second.leaseId).not.toBe(first.leaseId);
    expect(leases.list()).toEqual([{ ...skill, since, until: clock.now() + TTL_MS }]);
    leases.deregister(first.leaseId);
    expect(names()).toEqual(["orchestrator"]);
    leases.deregister(second.leaseId);
    expect(names()).toEqual([]);
  });

  it("may have an instance's name", () => {
    leases.register(skill);
    leases.register(instance("orchestrator", 1));
    expect(names("skill")).toEqual(["orchestrator"]);
    expect(names("instance")).toEqual(["orchestrator"]);
    expect(names()).toHaveLength(2);
  });
});

it("lists its members in the order of their arrival, whoever renewed last", async () => {
  const first = leases.register(instance("Z", 1));
  await clock.advance(10);
  leases.register(instance("C", 2));
  leases.register(instance("B", 3));
  leases.renew(first.leaseId);
  expect(names()).toEqual(["Z", "B", "C"]);
});

it("lets those run out who did not renew, whatever the order of their arrival", async () => {
  const first = leases.register(instance("A", 1));
  await clock.advance(10_000);
  leases.register(instance("B", 2));
  await clock.advance(10_000);
  leases.renew(first.leaseId);
  await clock.advance(20_000);
  expect(names()).toEqual(["A"]);
});

describe("an instance whose lease ran out", () => {
  it("is listed for another 15 minutes, with an end that has passed", async () => {
    leases.register(instance("A", 1));
    await clock.advance(TTL_MS + 15 * 60_000 - 1);
    expect(leases.list()).toMatchObject([{ name: "A", until: clock.now() - 15 * 60_000 + 1 }]);
    await clock.advance(1);
    expect(leases.list()).toEqual([]);
  });

  it("leaves its name to whoever comes, and is listed once", async () => {
    leases.register(instance("A", 1));
    await clock.advance(TTL_MS);
    leases.register(instance("A", 2));
    expect(leases.list()).toMatchObject([{ name: "A", origin: "http://127.0.0.1:2" }]);
  });

  it("is not listed after a goodbye, nor is a skill that went silent", async () => {
    const { leaseId } = leases.register(instance("A", 1));
    leases.deregister(leaseId);
    leases.register(skill);
    await clock.advance(TTL_MS);
    expect(leases.list()).toEqual([]);
  });
});

it("takes ten thousand members and no more", async () => {
  for (let i = 0; i < 10_000; i++) leases.register({ kind: "skill", name: "s" });
  expect(() => leases.register(skill)).toThrowError(expect.objectContaining({ code: "overloaded" }));
  await clock.advance(TTL_MS);
  expect(leases.register(skill).ttlSeconds).toBe(30);
});
