import { connect, type Socket } from "node:net";
import { onEnd } from "../../host/harness.ts";
import type { Reply } from "../../support/http.ts";

/** A bare connection, for what no HTTP client would send. */
export interface Line {
  socket: Socket;
  send(bytes: string | Uint8Array): void;
  /** All that has come so far. */
  received(): string;
  /** Resolves once the connection has ended, whoever ended it; all that came. */
  ended: Promise<string>;
}

/** Opens a connection that ends with the test. */
export function openLine(origin: string): Line {
  const socket = connect({ port: Number(new URL(origin).port), host: "127.0.0.1" });
  onEnd(async () => socket.destroy());
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  // A reset after the answer, while more is being sent, is an end like any other.
  socket.on("error", () => {});
  const ended = new Promise<string>((resolve) => socket.once("close", () => resolve(text)));
  return { socket, send: (bytes) => socket.write(bytes), received: () => text, ended };
}

/** Sends bytes on a connection of their own, and reads all answers until the server hangs up. */
export async function sendRaw(origin: string, ...bytes: (string | Uint8Array)[]): Promise<Reply[]> {
  const line = openLine(origin);
  for (const each of bytes) line.send(each);
  return repliesIn(await line.ended);
}

export interface Head {
  as?: string;
  host?: string;
  headers?: Record<string, string>;
}

/** The head of a request, with what each request of the tests has. */
export function head(
  method: string,
  path: string,
  { as = "root", host = "localhost", headers }: Head = {},
): string {
  const lines = { host, ...(as !== "" && { authorization: `Bearer ${as}` }), ...headers };
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${text.join("")}\r\n`;
}

/** The one answer to a request without a body, on a connection of its own. */
export async function askBare(
  { origin }: { origin: string },
  method: string,
  path: string,
  { headers, ...facts }: Head = {},
): Promise<Reply> {
  const request = head(method, path, { ...facts, headers: { connection: "close", ...headers } });
  const [reply, ...others] = await sendRaw(origin, request);
  if (!reply || others.length > 0) throw new Error(`${method} ${path} has not just one answer`);
  return reply;
}

/** A request with a body of JSON. */
export function post(path: string, body: string, { headers, ...facts }: Head = {}): string {
  const length = String(Buffer.byteLength(body));
  const own = { "content-type": "application/json", "content-length": length };
  return head("POST", path, { ...facts, headers: { ...own, ...headers } }) + body;
}

/** The answers in what a connection has received. */
export function repliesIn(text: string): Reply[] {
  const replies: Reply[] = [];
  for (let rest = text; rest !== ""; ) {
    const end = rest.indexOf("\r\n\r\n");
    const [first = "", ...lines] = rest.slice(0, end).split("\r\n");
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(first) ?? [];
    if (end < 0 || status === undefined) throw new Error(`this is no answer: ${rest}`);
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.replace(/^[^:]*: */, "")]),
    );
    const bytes = Buffer.from(rest.slice(end + 4));
    const length = Number(headers["content-length"] ?? bytes.length);
    const body = bytes.subarray(0, length).toString();
    replies.push({ status: Number(status), headers, body: JSON.parse(body) });
    rest = bytes.subarray(length).toString();
  }
  return replies;
}
