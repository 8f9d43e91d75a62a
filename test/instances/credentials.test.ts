import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fleetCredential } from "../../src/core/fleet-key.ts";
import type { CredentialRef } from "../../src/core/instance.ts";
import type { InstanceClientsOptions } from "../../src/instances/clients.ts";
import { fakeClock } from "../support/clock.ts";
import type { Fault } from "../support/fault-server.ts";
import { done, respond } from "../support/faults.ts";
import { recordingLogger } from "../support/logger.ts";
import { call, clientsFor, errorOf, facts, instanceAt, startServer } from "./harness.ts";

const MINUTE = 60_000;
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "credentials-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Answers 200 to this key alone. */
function guarded(key: string | undefined, status = 401): Fault {
  return (socket, request) => {
    const right = request.headers.authorization === (key && `Bearer ${key}`);
    (right ? done() : respond({ status, body: `no such key: ${request.headers.authorization}` }))(
      socket,
      request,
    );
  };
}

async function setUp(credential: CredentialRef | undefined, options: Partial<InstanceClientsOptions> = {}) {
  const server = await startServer();
  const clock = fakeClock();
  const logger = recordingLogger();
  const clients = clientsFor({ clock, logger, ...options });
  const instance = instanceAt(server.url, credential && { credential });
  const client = clients.of(instance);
  const sent = () => server.requests.map(({ headers }) => headers.authorization);
  return { server, clock, logger, clients, instance, client, sent };
}

const fromEnv: CredentialRef = { from: "env", name: "A_KEY" };

describe("where a credential comes from", () => {
  it("a variable", async () => {
    const { server, client, sent } = await setUp(fromEnv, { env: { A_KEY: " s3cret-key " } });
    server.play(done());
    await client.send(call());
    expect(sent()).toEqual(["Bearer s3cret-key"]);
  });

  it("a file, without the line's end", async () => {
    const path = join(folder, "token");
    await writeFile(path, "file-secret\n");
    const { server, client, sent } = await setUp({ from: "file", path });
    server.play(done());
    await client.send(call());
    expect(sent()).toEqual(["Bearer file-secret"]);
  });

  it("a file below the home folder", async () => {
    await writeFile(join(folder, "token"), "home-secret");
    const path = `~/${relative(homedir(), join(folder, "token"))}`;
    const { server, client, sent } = await setUp({ from: "file", path });
    server.play(done());
    await client.send(call());
    expect(sent()).toEqual(["Bearer home-secret"]);
  });

  it("the fleet key, of which only a key for this name and origin is sent", async () => {
    const { server, client, sent } = await setUp({ from: "fleet" }, { fleetKey: () => "fleet" });
    server.play(done());
    await client.send(call());
    const expected = createHmac("sha256", "fleet").update(`A\n${server.url}`).digest("base64url");
    expect(sent()).toEqual([`Bearer ${expected}`]);
    expect(fleetCredential("fleet", "A", server.url)).toBe(expected);
    expect(fleetCredential("fleet", "B", server.url)).not.toBe(expected);
  });

  it("nowhere: none is sent, nor without a fleet key", async () => {
    for (const credential of [undefined, { from: "fleet" } as const]) {
      const { server, client, sent } = await setUp(credential);
      server.play(done());
      expect(facts(await client.send(call()))).toBe("accepted done");
      expect(sent()).toEqual([undefined]);
    }
  });

  it.each([
    ["a variable that is not set", fromEnv, "the variable A_KEY, which is not set or empty"],
    ["a file that is not there", { from: "file", path: "/nosuch/token" } as const, "cannot be read (ENOENT)"],
  ])("%s: nothing is sent, and the error names it", async (_what, credential, words) => {
    const { server, client } = await setUp(credential);
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none instance_unauthorized");
    expect(answer).toMatchObject({ again: "never" });
    expect(errorOf(answer)?.message).toContain(words);
    expect(await client.check(1_000)).toMatchObject({ state: "degraded" });
    expect(server.accepted).toBe(0);
  });

  it("text that a header cannot carry: nothing is sent, and the error does not show it", async () => {
    const { server, client } = await setUp(fromEnv, { env: { A_KEY: "two\nlines" } });
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none instance_unauthorized");
    expect(errorOf(answer)?.message).not.toContain("lines");
    expect(server.accepted).toBe(0);
  });
});

describe("a credential that is refused with 401", () => {
  it("is read afresh, and the request repeated once if its value has changed", async () => {
    const path = join(folder, "token");
    await writeFile(path, "old");
    const { server, client, sent } = await setUp({ from: "file", path });
    server.play(guarded("old"));
    expect(facts(await client.send(call()))).toBe("accepted done");
    await writeFile(path, "new");
    server.play(guarded("new"));
    expect(facts(await client.send(call()))).toBe("accepted done");
    expect(facts(await client.send(call()))).toBe("accepted done");
    expect(sent()).toEqual(["Bearer old", "Bearer old", "Bearer new", "Bearer new"]);
  });

  it("is not repeated twice", async () => {
    const env: Record<string, string> = { A_KEY: "key-0" };
    const { server, client, sent } = await setUp(fromEnv, { env });
    server.play((socket, request) => {
      env.A_KEY = `key-${server.requests.length}`;
      guarded("right")(socket, request);
    });
    expect(facts(await client.send(call()))).toBe("not_sent none instance_unauthorized");
    expect(sent()).toEqual(["Bearer key-0", "Bearer key-1"]);
  });

  it("goes nowhere again, in polls neither, until ten minutes have passed", async () => {
    const { server, client, clock, sent } = await setUp(fromEnv, { env: { A_KEY: "wrong-key" } });
    server.play(guarded("right"));
    expect(facts(await client.send(call()))).toBe("not_sent none instance_unauthorized");
    await clock.advance(10 * MINUTE - 1);
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none instance_unauthorized");
    expect(answer).toMatchObject({ again: "never" });
    expect(await client.check(1_000)).toMatchObject({
      state: "degraded",
      reason: expect.stringMatching(/refused/),
    });
    const { cancellation } = call();
    expect(await client.cancel({ key: "k" })).toMatchObject({ known: "unknown" });
    await expect(client.openSession({ sessionId: "s", epoch: 0, cancellation })).rejects.toThrow(/refused/);
    expect(sent()).toEqual(["Bearer wrong-key"]);
    await clock.advance(1);
    await client.send(call());
    expect(sent()).toHaveLength(2);
  });

  it("goes there again at once when its value has changed", async () => {
    const env = { A_KEY: "wrong-key" };
    const { server, client, sent } = await setUp(fromEnv, { env });
    server.play(guarded("right"));
    await client.send(call());
    env.A_KEY = "right";
    expect(facts(await client.send(call()))).toBe("accepted done");
    expect(sent()).toEqual(["Bearer wrong-key", "Bearer right"]);
  });

  it("is still refused under a changed configuration with the same value, not with another", async () => {
    const env = { A_KEY: "wrong-key", SAME: "wrong-key", OTHER: "right" };
    const { server, clients, client, instance, sent } = await setUp(fromEnv, { env });
    server.play(guarded("right"));
    await client.send(call());
    const same = clients.of({ ...instance, credential: { from: "env", name: "SAME" } });
    expect(facts(await same.send(call()))).toBe("not_sent none instance_unauthorized");
    expect(sent()).toHaveLength(1);
    const other = clients.of({ ...instance, credential: { from: "env", name: "OTHER" } });
    expect(facts(await other.send(call()))).toBe("accepted done");
  });

  it("bars no other name of the same origin", async () => {
    const { server, clients, client, instance, sent } = await setUp(fromEnv, { env: { A_KEY: "wrong-key" } });
    server.play(guarded(undefined));
    await client.send(call());
    const { credential: _credential, ...open } = { ...instance, name: "B" };
    expect(facts(await clients.of(open).send(call()))).toBe("accepted done");
    expect(sent()).toEqual(["Bearer wrong-key", undefined]);
  });

  it("is logged once with its source, and never shown: neither in logs nor in errors", async () => {
    const { server, client, logger } = await setUp(fromEnv, { env: { A_KEY: "wrong-key" } });
    server.play(guarded("right"));
    const first = errorOf(await client.send(call()));
    const second = errorOf(await client.send(call()));
    expect(first?.message).toContain("no such key: Bearer [key]");
    expect(first?.action).toBe("Correct the key of A: it comes from the variable A_KEY.");
    expect(logger.lines).toMatchObject([{ level: "warn", facts: { instance: "A", status: 401 } }]);
    expect(JSON.stringify([first, second, logger.lines])).not.toContain("wrong-key");
  });
});

describe("a credential that is refused with 403", () => {
  it("is never repeated, even if its value has changed, and locked like one with 401", async () => {
    const env = { A_KEY: "wrong-key" };
    const { server, client, sent } = await setUp(fromEnv, { env });
    server.play((socket, request) => {
      env.A_KEY = "right";
      guarded("right", 403)(socket, request);
    });
    expect(facts(await client.send(call()))).toBe("not_sent none instance_unauthorized");
    env.A_KEY = "wrong-key";
    expect(facts(await client.send(call()))).toBe("not_sent none instance_unauthorized");
    expect(sent()).toEqual(["Bearer wrong-key"]);
  });
});

describe("no credential where one is demanded", () => {
  it("is a clear error that says where to put it, and locks nothing", async () => {
    const { server, client, sent } = await setUp(undefined);
    server.play(guarded("right"));
    for (let i = 0; i < 2; i++) {
      const error = errorOf(await client.send(call()));
      expect(error?.code).toBe("instance_unauthorized");
      expect(error?.action).toContain("apiKeyEnv");
    }
    expect(sent()).toEqual([undefined, undefined]);
  });
});
