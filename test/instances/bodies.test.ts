import { describe, expect, it } from "vitest";
import { writeJson } from "../../src/core/json-text.ts";
import type { Fault, FaultServer } from "../support/fault-server.ts";
import { begin, done, flood, hang, hangUp, reset, respond, trickle, unframed } from "../support/faults.ts";
import { call, errorOf, facts, faultyInstance } from "./harness.ts";

const MIB = 1024 * 1024;

/** Plays one fault and tells when the client has dropped that connection. */
function watched(server: FaultServer, fault: Fault): { closed: Promise<void> } {
  const closed = new Promise<void>((resolve) => {
    server.play((socket, request) => {
      socket.on("close", () => resolve());
      fault(socket, request);
    });
  });
  return { closed };
}

describe("a body that is lost after a 2xx is asked for again", () => {
  it.each([["reset", reset] as const, ["closed half way", hangUp] as const])("%s", async (_how, fault) => {
    const { server, client } = await faultyInstance();
    server.play(begin('{"taskId":"t1","reply":"do', fault));
    expect(facts(await client.send(call()))).toBe("accepted pending instance_down");
  });

  it("that stops coming", async () => {
    const { server, client } = await faultyInstance({ bodyTimeMs: 100 });
    server.play(begin('{"taskId":"t1"', hang));
    expect(facts(await client.send(call()))).toBe("accepted pending timeout");
  });

  it("that trickles for ever", async () => {
    const { server, client } = await faultyInstance({ bodyTimeMs: 300 });
    const connection = watched(server, trickle(20));
    const startedAt = performance.now();
    expect(facts(await client.send(call()))).toBe("accepted pending timeout");
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await connection.closed;
  });

  it.each(['{"taskId":"t1","reply":"do', ""])(
    "that ends with its connection and is no whole JSON: %j",
    async (text) => {
      const { server, client } = await faultyInstance();
      server.play(unframed(text));
      expect(facts(await client.send(call()))).toBe("accepted pending instance_down");
    },
  );

  it("and asking for it brings the result", async () => {
    const { server, client } = await faultyInstance();
    server.play(begin('{"taskId":"t1"', reset), done({ answer: 42 }));
    const { key, cancellation } = call();
    expect((await client.send(call())).reply).toBe("pending");
    expect(await client.ask({ key }, { waitMs: 0, cancellation })).toMatchObject({
      delivery: "accepted",
      reply: "done",
      result: { answer: 42 },
    });
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
  });
});

describe("a body that is too large has failed, since it would come the same again", () => {
  it("50 MB without a length: no more than the limit is taken, and the connection is dropped", async () => {
    const { server, client } = await faultyInstance();
    const connection = watched(server, flood(50 * MIB));
    const answer = await client.send(call());
    expect(facts(answer)).toBe("accepted failed payload_too_large");
    expect(errorOf(answer)).toMatchObject({ instance: "A", delivery: "accepted" });
    await connection.closed;
    expect(server.requests).toHaveLength(1);
  });

  it("50 MB with its length: nothing of it is taken", async () => {
    const { server, client } = await faultyInstance();
    const connection = watched(server, begin("", hang, 50 * MIB));
    expect(facts(await client.send(call()))).toBe("accepted failed payload_too_large");
    await connection.closed;
    expect(server.requests).toHaveLength(1);
  });

  it("one byte over the limit; at the limit it is taken", async () => {
    const text = JSON.stringify({ taskId: "t", reply: "done", result: "x".repeat(1_000) });
    for (const [bodyLimit, reply] of [
      [text.length, "done"],
      [text.length - 1, "failed"],
    ] as const) {
      const { server, client } = await faultyInstance({ bodyLimit });
      server.play(respond({ body: text }));
      expect((await client.send(call())).reply).toBe(reply);
    }
  });
});

describe("a result that is nested too deeply has failed, and nobody else's answer with it", () => {
  const lists = (levels: number, space = "") => `${`[${space}`.repeat(levels)}${"]".repeat(levels)}`;

  it.each([
    ["at the limit", lists(1_000), "accepted done"],
    ["beyond it", lists(1_001), "accepted failed payload_too_large"],
    ["broken into lines", lists(9_900, "\n"), "accepted failed payload_too_large"],
    ["far beyond it", lists(100_000), "accepted failed payload_too_large"],
  ])("%s", async (_how, result, expected) => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: `{"taskId":"t","reply":"done","result":${result}}` }));
    expect(facts(await client.send(call()))).toBe(expected);
  });
});

describe("a whole 2xx body that is no task of ours is asked for again, with a piece of what came", () => {
  it.each([
    ["empty", respond({ body: "" }), "an empty body"],
    ["no JSON", respond({ body: "hello\nworld" }), "hello world"],
    ["cut off JSON", respond({ body: '{"taskId":"t1","re' }), '{"taskId":"t1","re'],
    ["other JSON", respond({ body: { ok: true } }), '{"ok":true}'],
    ["a JSON array", respond({ body: [1] }), "[1]"],
    ["an unknown reply", respond({ body: { reply: "none" } }), '{"reply":"none"}'],
    [
      "HTML",
      respond({ headers: { "content-type": "text/html" }, body: "<!doctype html><title>Router</title>" }),
      "text/html: <!doctype html>",
    ],
    ["204", respond({ status: 204 }), "HTTP 204"],
  ])("%s", async (_what, fault, quoted) => {
    const { server, client } = await faultyInstance();
    server.play(fault);
    const answer = await client.send(call());
    expect(facts(answer)).toBe("accepted pending instance_error");
    expect(errorOf(answer)?.message).toContain(quoted);
  });

  it("and of a long one 200 characters at most are quoted", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: "z".repeat(10_000) }));
    const answer = await client.send(call());
    expect(errorOf(answer)?.message.match(/z/g)?.length).toBeLessThanOrEqual(200);
  });
});

describe("a task of ours", () => {
  it("is taken whatever content type it came with", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ headers: { "content-type": "text/html" }, body: '{"reply":"done","result":[1]}' }));
    expect(await client.send(call())).toEqual({ delivery: "accepted", reply: "done", result: [1] });
  });

  it("has its result written again as it came, wherever that stood", async () => {
    const { server, client } = await faultyInstance();
    const result = '{"b":12345678901234567890,"a":[1.50,"\\/"]}';
    const send = async (body: string) => {
      server.play(respond({ body }));
      return writeJson(await client.send(call()));
    };
    const answer = `{"delivery":"accepted","reply":"done","result":${result},"taskId":"t"}`;
    expect(await send(`{"taskId":"t","reply":"done","result":${result}}`)).toBe(answer);
    const inFront = await send(`{"result":${result},"taskId":"t","reply":"done"}`);
    expect(inFront).toBe(JSON.stringify(JSON.parse(answer)));
  });

  it("that is done without a result has null for one", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: { taskId: "t", reply: "done" } }));
    expect(await client.send(call())).toMatchObject({ reply: "done", result: null });
  });

  it.each([
    ["a text", '"boom"', "A: the task failed: boom"],
    ["an object of its own", '{"message":{"a":1}}', 'A: the task failed: {"message":{"a":1}}'],
    ["nothing", "null", "A says that the task failed, and not why."],
    [
      "one that is nested too deeply",
      `${"[".repeat(9_000)}${"]".repeat(9_000)}`,
      "A says that the task failed, and not why.",
    ],
  ])("that failed with %s says so", async (_what, error, message) => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: `{"taskId":"t","reply":"failed","error":${error}}` }));
    expect(errorOf(await client.send(call()))?.message).toBe(message);
  });

  it("that failed carries the instance's own error", async () => {
    const { server, client } = await faultyInstance();
    const error = { code: "interrupted", message: "the host restarted", action: "Look.", retryable: false };
    server.play(respond({ body: { taskId: "t", reply: "failed", error } }));
    const answer = await client.send(call());
    expect(answer).toMatchObject({ delivery: "accepted", reply: "failed", taskId: "t" });
    expect(errorOf(answer)?.toBody()).toEqual({
      code: "interrupted",
      message: "A: the host restarted",
      action: "The instance advises: Look.",
      instance: "A",
      delivery: "accepted",
      retryable: false,
    });
  });

  it("that failed with a code of a later version is an instance_error that names the code", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: { reply: "failed", error: { code: "out_of_ink", message: "refill" } } }));
    expect(errorOf(await client.send(call()))).toMatchObject({
      code: "instance_error",
      message: "A: out_of_ink: refill",
    });
  });

  it("that was cancelled says so", async () => {
    const { server, client } = await faultyInstance();
    server.play(
      respond({ body: { taskId: "t", reply: "cancelled", error: { code: "cancelled", message: "x" } } }),
    );
    expect(facts(await client.send(call()))).toBe("accepted cancelled cancelled");
  });

  it("in many small pieces and with characters cut across them is put together", async () => {
    const { server, client } = await faultyInstance();
    const bytes = Buffer.from(JSON.stringify({ taskId: "t", reply: "done", result: "žluťoučký kůň 🐎" }));
    server.play((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      const next = (at: number) => {
        socket.write(bytes.subarray(at, at + 1));
        if (at + 1 < bytes.length) setImmediate(next, at + 1);
      };
      next(0);
    });
    expect(await client.send(call())).toMatchObject({ reply: "done", result: "žluťoučký kůň 🐎" });
  });

  it("whose id could not stand in a path is named by our key instead", async () => {
    const { server, client } = await faultyInstance();
    server.play(respond({ body: { taskId: "a b\n", reply: "pending" } }));
    expect(await client.send(call())).toEqual({ delivery: "accepted", reply: "pending" });
  });
});
