import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { ExchangeRequest } from "../../src/instances/exchange.ts";
import { begin, done, hang, respond } from "../support/faults.ts";
import {
  call,
  clientsFor,
  errorOf,
  facts,
  faultyInstance,
  httpFor,
  instanceAt,
  startServer,
} from "./harness.ts";

/** When undici has next seen a status line. */
function nextResponse(): Promise<void> {
  return new Promise((resolve) => {
    const seen = () => {
      unsubscribe("undici:request:headers", seen);
      // undici tells its subscribers first and the request's handler next, in the same turn.
      setImmediate(resolve);
    };
    subscribe("undici:request:headers", seen);
  });
}

const stop = new OrchestratorError("timeout", "The deadline has passed.");

describe("cancellation", () => {
  it("before the request: nothing is sent", async () => {
    const { server, client } = await faultyInstance();
    const cancellation = new Cancellation();
    cancellation.cancel(stop);
    const answer = await client.send(call({ cancellation }));
    expect(facts(answer)).toBe("not_sent none timeout");
    expect(errorOf(answer)?.message).toBe("The deadline has passed.");
    expect(server.accepted).toBe(0);
  });

  it("while connecting: nothing is sent, even once the connection stands", async () => {
    const server = await startServer();
    server.play(done());
    const http = httpFor();
    const request: ExchangeRequest = { method: "GET", path: "/", headers: [], headersTimeoutMs: 1_000 };
    await http.exchange(server.url, request);
    const cancellation = new Cancellation();
    const [first, second] = [
      http.exchange(server.url, request),
      http.exchange(server.url, { ...request, cancellation }),
    ];
    const before = server.accepted;
    cancellation.cancel(stop);
    expect(await second).toMatchObject({ started: false, failure: { kind: "cancelled", error: stop } });
    expect((await first).status).toBe(200);
    await expect.poll(() => server.accepted).toBeGreaterThan(before);
    expect((await http.exchange(server.url, request)).status).toBe(200);
    expect(server.requests).toHaveLength(3);
  });

  it("after the request: unknown, and the connection is dropped", async () => {
    const { server, client } = await faultyInstance();
    const cancellation = new Cancellation();
    const dropped = new Promise<void>((resolve) => {
      server.play((socket) => {
        socket.on("close", () => resolve());
        cancellation.cancel(stop);
      });
    });
    const answer = await client.send(call({ cancellation }));
    expect(facts(answer)).toBe("unknown none timeout");
    expect(errorOf(answer)).toMatchObject({ instance: "A", delivery: "unknown", retryable: false });
    await dropped;
    expect(server.requests).toHaveLength(1);
  });

  it("after the status line: accepted, and pending", async () => {
    const { server, client } = await faultyInstance();
    const cancellation = new Cancellation();
    const responded = nextResponse();
    server.play(begin("", hang));
    const sent = client.send(call({ cancellation, waitMs: 1_000 }));
    await responded;
    cancellation.cancel(stop);
    expect(facts(await sent)).toBe("accepted pending timeout");
  });

  it("that comes after the answer finds nobody listening", async () => {
    const { server, client } = await faultyInstance();
    server.play(done());
    const cancellation = new Cancellation();
    expect(facts(await client.send(call({ cancellation })))).toBe("accepted done");
    cancellation.cancel(stop);
    expect(facts(await client.send(call()))).toBe("accepted done");
  });
});

describe("connections", () => {
  it("are kept and used again, by every instance of an origin", async () => {
    const { server, clients } = await faultyInstance();
    server.play(done());
    for (const name of ["A", "B", "A", "B"]) {
      await clients.of(instanceAt(server.url, { name })).send(call());
      // undici frees a connection at the end of the turn in which its response ended.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(server.requests).toHaveLength(4);
    expect(server.accepted).toBe(1);
  });

  it("that the server closed while idle are replaced before anything is written", async () => {
    const { server, client } = await faultyInstance();
    const ended = new Promise<void>((resolve) => {
      server.play((socket, request) => {
        socket.on("close", () => resolve());
        done()(socket, request);
        setTimeout(() => socket.end(), 20);
      }, done());
    });
    expect(facts(await client.send(call()))).toBe("accepted done");
    await ended;
    expect(facts(await client.send(call()))).toBe("accepted done");
    expect(server.accepted).toBe(2);
  });

  it("are not used again when the server keeps them for less than our margin", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ headers: { "keep-alive": "timeout=1" }, body: { reply: "done" } }));
    for (let i = 0; i < 3; i++) expect(facts(await client.send(call()))).toBe("accepted done");
    expect(server.accepted).toBe(3);
  });

  it("carry many requests at once, each with its own answer", async () => {
    const { server, client } = await faultyInstance();
    server.play((socket, request) => done(JSON.parse(request.body).payload)(socket, request));
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, payload) => client.send(call({ payload }))),
    );
    expect(answers.map((answer) => "result" in answer && answer.result)).toEqual(
      Array.from({ length: 64 }, (_, payload) => payload),
    );
  });
});

describe("close", () => {
  it("closes every connection, idle and busy, and ends what is under way", async () => {
    const { server, client, clients } = await faultyInstance();
    server.play(done(), hang);
    await client.send(call());
    const busy = client.send(call());
    await expect.poll(() => server.requests.length).toBe(2);
    await clients.close();
    expect(facts(await busy)).toBe("unknown none instance_down");
    await expect.poll(() => server.open).toBe(0);
  });

  it("leaves nothing that can be sent with", async () => {
    const { server, client, clients } = await faultyInstance();
    server.play(done());
    await client.send(call());
    await clients.close();
    expect(facts(await client.send(call()))).toBe("not_sent none cancelled");
    expect(server.requests).toHaveLength(1);
  });
});

describe("the clients of a fleet", () => {
  it("are one a name and origin, and a new one once its configuration has changed", async () => {
    const server = await startServer();
    const clients = clientsFor();
    const client = clients.of(instanceAt(server.url));
    expect(clients.of(instanceAt(server.url))).toBe(client);
    expect(clients.of(instanceAt(server.url, { name: "B" }))).not.toBe(client);
    expect(clients.of(instanceAt(`${server.url}/base`))).not.toBe(client);
  });

  it("reach an instance whose url has a path below that path", async () => {
    const server = await startServer();
    server.play(done());
    await clientsFor()
      .of(instanceAt(`${server.url}/fleet/a/`))
      .send(call());
    expect(server.requests[0]?.path).toBe("/fleet/a/api/tasks");
  });
});
