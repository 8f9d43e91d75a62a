import { connect, type Socket } from "node:net";
import type { Fault, RawRequest } from "../support/fault-server.ts";

// What may become of a request between a client and a server that is there, request by request.

/** Passes a request on, and its answer back. */
export function pass(origin: string): Fault {
  return (socket, request) => {
    const upstream = send(origin, request);
    socket.on("close", () => upstream.destroy());
    upstream.pipe(socket);
  };
}

/** Passes a request on, and resets the connection when its whole answer is there. */
export function loseAnswer(origin: string): Fault {
  return (socket, request) => {
    const upstream = send(origin, request);
    upstream.on("data", () => {}).on("end", () => socket.resetAndDestroy());
  };
}

/** Passes a request on, gives back half of its answer, and resets the connection. */
export function cutAnswer(origin: string): Fault {
  return (socket, request) => {
    const upstream = send(origin, request);
    const chunks: Buffer[] = [];
    upstream.on("data", (chunk: Buffer) => chunks.push(chunk));
    upstream.on("end", () => {
      const answer = Buffer.concat(chunks);
      const half =
        answer.indexOf("\r\n\r\n") + 4 + Math.floor((answer.length - answer.indexOf("\r\n\r\n")) / 2);
      socket.write(answer.subarray(0, half), () => socket.resetAndDestroy());
    });
  };
}

/** Passes a request on, and resets the connection at once: it is being worked on. */
export function leave(origin: string): Fault {
  return (socket, request) => {
    const upstream = send(origin, request);
    upstream.on("data", () => {});
    // Once it is on its way.
    upstream.on("ready", () => socket.resetAndDestroy());
  };
}

/** Passes server-sent events back until so many of them have passed, and resets the connection. */
export function cutEvents(origin: string, most: number): Fault {
  return (socket, request) => {
    const upstream = send(origin, request);
    socket.on("close", () => upstream.destroy());
    let text = "";
    upstream.on("data", (chunk: Buffer) => {
      const before = text.length;
      text += chunk.toString("latin1");
      const end = nthEnd(text, most);
      if (end === undefined) {
        socket.write(chunk);
        return;
      }
      socket.write(chunk.subarray(0, Math.max(0, end - before)), () => socket.resetAndDestroy());
      upstream.destroy();
    });
  };
}

/** Where the n-th event with data ends. */
function nthEnd(text: string, n: number): number | undefined {
  const ends = [...text.matchAll(/\ndata: [^\n]*\n\n/g)].map((match) => match.index + match[0].length);
  return n === 0 ? 0 : ends[n - 1];
}

function send(origin: string, { method, path, headers, body }: RawRequest): Socket {
  const { hostname, port, host } = new URL(origin);
  const upstream = connect(Number(port), hostname).on("error", () => {});
  const lines = Object.entries({ ...headers, host, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  upstream.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n${body}`);
  return upstream;
}
