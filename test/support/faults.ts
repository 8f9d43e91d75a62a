import type { Fault } from "./fault-server.ts";

export interface FaultyResponse {
  status?: number;
  headers?: Record<string, string | number>;
  /** Sent as it is if it is text, else as JSON. */
  body?: unknown;
}

/** A well-formed response on a connection that is kept alive. */
export function respond({ status = 200, headers = {}, body = "" }: FaultyResponse = {}): Fault {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain" : "application/json";
  return (socket) => {
    socket.write(
      head(status, { "content-type": type, "content-length": Buffer.byteLength(text), ...headers }) + text,
    );
  };
}

/** A task of ours that is done. */
export function done(result: unknown = "ok", taskId = "t1"): Fault {
  return respond({ body: { taskId, reply: "done", result } });
}

/** A refusal in our own error envelope. */
export function refuse(status: number, error: Record<string, unknown>, headers = {}): Fault {
  return respond({
    status,
    headers,
    body: { error: { message: "no", action: "wait", retryable: false, ...error } },
  });
}

/** Reads the request and never answers. */
export const hang: Fault = () => {};

/** Resets the connection instead of answering. */
export const reset: Fault = (socket) => socket.resetAndDestroy();

/** Closes the connection in good order instead of answering. */
export const hangUp: Fault = (socket) => socket.end();

/** Begins a 200 that promises `promised` bytes, sends `text` of them, and then `then`. */
export function begin(text: string, then: Fault, promised = 1_000): Fault {
  return (socket, request) => {
    const headers = { "content-type": "application/json", "content-length": promised };
    socket.write(head(200, headers) + text, () => then(socket, request));
  };
}

/** A 200 whose body ends with its connection, so that nothing shows whether it is whole. */
export function unframed(text: string): Fault {
  return (socket) =>
    socket.end(head(200, { "content-type": "application/json", connection: "close" }) + text);
}

/** A 200 whose chunked body goes on for ever, one byte every so often. */
export function trickle(everyMs: number): Fault {
  return (socket) => {
    socket.write(head(200, { "content-type": "application/json", "transfer-encoding": "chunked" }));
    const timer = setInterval(() => socket.write("1\r\n \r\n"), everyMs);
    socket.on("close", () => clearInterval(timer));
  };
}

/** A 200 with a chunked body of so many bytes, which does not say beforehand how large it is. */
export function flood(bytes: number): Fault {
  return (socket) => {
    socket.write(head(200, { "content-type": "application/json", "transfer-encoding": "chunked" }));
    const piece = Buffer.alloc(65_536, 97);
    let left = bytes;
    const pump = () => {
      while (left > 0 && !socket.destroyed) {
        left -= piece.length;
        socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(piece);
        if (!socket.write("\r\n")) {
          socket.once("drain", pump);
          return;
        }
      }
      if (!socket.destroyed) socket.write("0\r\n\r\n");
    };
    pump();
  };
}

/** Bytes that are no HTTP. */
export function gibberish(text: string): Fault {
  return (socket) => socket.write(text);
}

function head(status: number, headers: Record<string, string | number>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} x\r\n${lines.join("")}\r\n`;
}
