import { request as send } from "node:http";
import type { Socket } from "node:net";
import { taskIdOf } from "../../src/host/task-record.ts";
import { type Fault, faultServer, type RawRequest } from "../support/fault-server.ts";
import { begin, hangUp, refuse, reset, respond } from "../support/faults.ts";
import { planFault, type RequestFault, type SizeFault } from "./fault-plan.ts";
import type { SeededRandom } from "./random.ts";
import { REPLY_LIMIT } from "./sizes.ts";

/** What stands between the orchestrators and one instance. */
export interface FaultProxy {
  url: string;
  /** From now on requests go through as they are. */
  calm(): void;
  /** Refuses connections and breaks those there are. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

export interface ProxyOptions {
  random: SeededRandom;
  /** How many of the requests that carry work meet a fault, from 0 to 1. */
  rate: number;
  /** The instance's port, once it has one. */
  target: () => number;
  /** Told of every fault as it is played, with the id of the task that the request is about. */
  onFault: (fault: RequestFault, taskId: string | undefined) => void;
  /** Told of every body or reply over a limit. */
  onSize: (fault: SizeFault) => void;
  /** Whether this header carries the key that is demanded now, if any is. */
  accepts?: (authorization: string | undefined) => boolean;
}

/** What a request meets: a fault, or a 401 since the key has changed. */
type Met = RequestFault | "old key" | undefined;

interface Upstream {
  status: number;
  type: string;
  text: string;
}

/** A proxy on a port of the kernel's choice whose faults follow from its random numbers. */
export async function faultProxy(options: ProxyOptions): Promise<FaultProxy> {
  const { random, rate, target, onFault, onSize, accepts } = options;
  let calm = false;
  const planned = new WeakMap<Socket, Met>();
  const used = new WeakSet<Socket>();

  function meets(head: RawRequest, socket: Socket): Met {
    if (accepts && !accepts(head.headers.authorization)) return "old key";
    if (calm || head.path === "/api/health/check") return undefined;
    const fault = planFault(random, rate, head, used.has(socket));
    // It would close the instance for ten minutes: nobody comes again with a key that was refused.
    return accepts && fault === "401" ? "429" : fault;
  }

  /** Decides on a request when its head is there; whether its connection has ended thereby. */
  function onBytes(socket: Socket, received: Buffer): boolean {
    if (socket.destroyed) return true;
    const end = received.indexOf("\r\n\r\n");
    if (end < 0 || planned.has(socket)) return false;
    const head = readHead(received.subarray(0, end).toString("latin1"));
    const fault = meets(head, socket);
    planned.set(socket, fault);
    used.add(socket);
    if (fault === undefined || fault === "old key") return false;
    onFault(fault, taskOf(head));
    if (fault === "keep-alive closed on reuse") socket.destroy();
    if (fault === "reset before the body" || fault === "reset during the body") socket.resetAndDestroy();
    return socket.destroyed;
  }

  const server = await faultServer({ onBytes });
  server.play((socket, request) => {
    server.requests.length = 0;
    const fault = planned.get(socket);
    planned.delete(socket);
    const pass = async () => {
      const upstream = await forward(target(), request);
      if (upstream.status === 413) onSize("body over the limit");
      if (upstream.text.length > REPLY_LIMIT) onSize("reply over the limit");
      return upstream;
    };
    void play(socket, request, fault, pass, random);
  });
  return {
    url: server.url,
    calm() {
      calm = true;
    },
    down: () => server.down(),
    up: () => server.up(),
    close: () => server.close(),
  };
}

async function play(
  socket: Socket,
  request: RawRequest,
  fault: Met,
  pass: () => Promise<Upstream>,
  random: SeededRandom,
): Promise<void> {
  const later = random.between(50, 1_500);
  const answer = (fault_: Fault) => {
    if (!socket.destroyed) fault_(socket, request);
  };
  /** Answers with what the instance said; where it broke the connection, so does the proxy. */
  const passThen = async (then: (upstream: Upstream) => Fault | Promise<Fault>) => {
    const upstream = await pass().catch(() => undefined);
    answer(upstream ? await then(upstream) : reset);
  };
  const faithful = ({ status, type, text }: Upstream) =>
    respond({ status, headers: { "content-type": type }, body: text });
  const refusal = { code: "overloaded", delivery: "not_sent" };

  switch (fault) {
    case "reset after the body":
      return answer(reset);
    case "accept and hang":
      await pause(later * 3);
      return answer(hangUp);
    case "execute and drop the reply":
      return passThen(() => reset);
    case "deliver after the reset":
      answer(reset);
      await pause(later);
      await pass().catch(() => {});
      return;
    case "401":
    case "old key":
      return answer(refuse(401, { code: "unauthorized" }));
    case "429":
      return answer(refuse(429, { code: "rate_limited", delivery: "not_sent" }));
    case "429 with Retry-After":
      return answer(refuse(429, { code: "rate_limited", delivery: "not_sent" }, { "retry-after": 1 }));
    case "503":
      return answer(refuse(503, refusal));
    case "503 with Retry-After":
      return answer(refuse(503, refusal, { "retry-after": 1 }));
    case "bare 503 after executing":
      return passThen(() => respond({ status: 503, body: "Service Unavailable" }));
    case "500 before executing":
      return answer(respond({ status: 500, body: "oops" }));
    case "500 after executing":
      return passThen(() => respond({ status: 500, body: "oops" }));
    case "slow headers":
      return passThen(async (upstream) => {
        await pause(later);
        return faithful(upstream);
      });
    case "slow body":
      return passThen((upstream) => slowly(upstream, later / 4));
    case "truncated JSON":
      return passThen((upstream) => {
        const { status, text } = upstream;
        return status < 300 ? begin(text.slice(0, text.length / 2), hangUp, text.length) : faithful(upstream);
      });
    case "wrong content type":
      return passThen(({ status }) =>
        respond({ status, headers: { "content-type": "text/html" }, body: "<h1>It works!</h1>" }),
      );
    default:
      return passThen(faithful);
  }
}

function slowly({ status, type, text }: Upstream, stepMs: number): Fault {
  return (socket) => {
    socket.write(
      `HTTP/1.1 ${status} x\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`,
    );
    const quarter = Math.ceil(text.length / 4);
    void (async () => {
      for (let at = 0; at < text.length && !socket.destroyed; at += quarter) {
        await pause(stepMs);
        socket.write(text.slice(at, at + quarter));
      }
    })();
  };
}

/** One request on a connection of its own, so that the proxy adds no staleness by chance. */
function forward(port: number, { method, path, headers, body }: RawRequest): Promise<Upstream> {
  const { host: _, connection: __, ...rest } = headers;
  return new Promise((resolve, reject) => {
    const outgoing = send(
      { port, host: "127.0.0.1", method, path, headers: rest, agent: false },
      (answer) => {
        let text = "";
        answer
          .setEncoding("utf8")
          .on("data", (chunk) => {
            text += chunk;
          })
          .on("end", () => {
            const type = answer.headers["content-type"] ?? "application/json";
            resolve({ status: answer.statusCode ?? 0, type, text });
          })
          .on("error", reject);
      },
    );
    outgoing.on("error", reject).end(body);
  });
}

function readHead(text: string): RawRequest {
  const [first = "", ...lines] = text.split("\r\n");
  const [method = "", path = ""] = first.split(" ");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { method, path, headers, body: "" };
}

/** The task that a request is about: by the key that it carries, or the id in its path. */
function taskOf({ path, headers }: RawRequest): string | undefined {
  const url = new URL(path, "http://any");
  const key = headers["idempotency-key"] ?? url.searchParams.get("key");
  if (key) return taskIdOf(key);
  return decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
