import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMembers } from "../../src/cluster/members.ts";

let server: Server | undefined;
let members: ReturnType<typeof createMembers> | undefined;

afterEach(async () => {
  await members?.close();
  server?.closeAllConnections();
  server?.close();
});

interface Seen {
  url: string | undefined;
  authorization: string | undefined;
}

/** A cluster that answers every request so; returns what it was asked. */
async function clusterThatAnswers(status: number, body: unknown, base = ""): Promise<Seen[]> {
  const seen: Seen[] = [];
  server = createServer(({ url, headers }, response) => {
    seen.push({ url, authorization: headers.authorization });
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  members = createMembers({ url: `http://127.0.0.1:${port}${base}`, apiKey: () => "k" });
  return seen;
}

const list = (kind: "instance" | "skill" = "instance") => (members as NonNullable<typeof members>).list(kind);
const A = {
  kind: "instance",
  name: "A",
  url: "http://127.0.0.1:1",
  protocol: "rest",
  tags: ["x"],
  since: 1,
  until: 2,
};

describe("the list of members", () => {
  it("is asked for by kind, with the key, below the cluster's URL", async () => {
    const seen = await clusterThatAnswers(200, { members: [A] }, "/fleet");
    expect(await list()).toEqual([A]);
    expect(seen).toEqual([{ url: "/fleet/api/cluster/members?kind=instance", authorization: "Bearer k" }]);
  });

  it("leaves out what makes no sense here and keeps the rest", async () => {
    const link = { ...A, name: "B", url: "http://169.254.169.254" };
    const later = { ...A, name: "C", protocol: "telepathy" };
    const skill = { ...A, kind: "skill" };
    await clusterThatAnswers(200, { members: [link, later, skill, null, { ...A, load: 1 }] });
    expect(await list()).toEqual([A]);
  });

  it("of a cluster that refuses the key is refused with the cluster's words", async () => {
    await clusterThatAnswers(401, {
      error: { code: "unauthorized", message: "Wrong key.", action: "Take another." },
    });
    await expect(list()).rejects.toMatchObject({
      code: "unauthorized",
      message: expect.stringMatching(/^The cluster at http:\S+ refused: Wrong key\.$/),
      action: "Take another.",
    });
  });

  it.each([
    [404, "{}"],
    [200, "[]"],
    [200, "<html>"],
    [302, ""],
  ])("of something that answers %d %j is an error that says it is no cluster", async (status, body) => {
    await clusterThatAnswers(status, body);
    await expect(list()).rejects.toMatchObject({
      code: "instance_error",
      message: expect.stringContaining("is no cluster"),
    });
  });

  it("of a cluster that is not there is instance_down", async () => {
    await clusterThatAnswers(200, {});
    server?.close();
    await expect(list()).rejects.toMatchObject({
      code: "instance_down",
      message: expect.stringContaining("ECONNREFUSED"),
      action: expect.stringContaining("orchestrator serve"),
    });
  });
});
