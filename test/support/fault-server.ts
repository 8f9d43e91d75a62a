import { createServer, type Socket } from "node:net";

/** A request as it came over the wire. */
export interface RawRequest {
  method: string;
  path: string;
  /** By lower-case name. */
  headers: Record<string, string>;
  body: string;
}

/** What is done with one request: it gets the bare socket and may do anything to it. */
export type Fault = (socket: Socket, request: RawRequest) => void;

export interface FaultServer {
  url: string;
  port: number;
  /** Every whole request, in the order of arrival. */
  requests: RawRequest[];
  /** How many connections were ever accepted. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Plays these for the next requests, then the last of them for all others. */
  play(...faults: Fault[]): void;
  /** Breaks every connection and refuses new ones, until it is `up` again on the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Acts on a connection before any of its requests is whole; true if nothing more is to be done with it. */
export type OnBytes = (socket: Socket, received: Buffer) => boolean;

/** A server of raw sockets on a loopback port of the kernel's choice, scripted request by request. */
export async function faultServer({ onBytes }: { onBytes?: OnBytes } = {}): Promise<FaultServer> {
  const sockets = new Set<Socket>();
  const requests: RawRequest[] = [];
  let script: Fault[] = [];
  let accepted = 0;

  const server = createServer({ allowHalfOpen: false }, (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    let pieces: Buffer[] = [];
    let size = 0;
    /** A long body is joined once, when all of it is there. */
    let awaited = 0;
    socket.on("data", (chunk) => {
      pieces.push(chunk);
      size += chunk.length;
      if (size < awaited) return;
      const received = Buffer.concat(pieces);
      pieces = [received];
      if (onBytes?.(socket, received)) return;
      const parsed = parse(received);
      awaited = parsed?.length ?? 0;
      if (!parsed?.request) return;
      pieces = [received.subarray(parsed.length)];
      size -= parsed.length;
      awaited = 0;
      requests.push(parsed.request);
      const fault = script.length > 1 ? script.shift() : script[0];
      fault?.(socket, parsed.request);
    });
  });
  const listenAt = (at: number) =>
    new Promise<void>((resolve) => server.listen(at, "127.0.0.1", () => resolve()));
  const end = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  await listenAt(0);
  const { port } = server.address() as { port: number };

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    play(...faults) {
      script = faults;
    },
    down: end,
    up: () => listenAt(port),
    close: end,
  };
}

/** How long a request is whose head is there, and the request itself once it is whole. */
function parse(bytes: Buffer): { request?: RawRequest; length: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const length = headEnd + 4 + Number(headers["content-length"] ?? 0);
  if (bytes.length < length) return { length };
  const [method = "", path = ""] = first.split(" ");
  return { request: { method, path, headers, body: bytes.subarray(headEnd + 4, length).toString() }, length };
}
