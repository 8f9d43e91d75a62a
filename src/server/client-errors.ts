import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { OrchestratorError } from "../core/errors.ts";

/** An answer that is not yet written, and the request that it is for. */
interface Owed {
  request: IncomingMessage;
  response: ServerResponse;
}

const owed = new WeakMap<Socket, Set<Owed>>();
/** Connections on which nothing more is read. */
const given = new WeakSet<Socket>();

/** Has a server answer in the envelope of every error also what Node would answer by itself, or not at all. */
export function answerInEnvelope(server: Server): void {
  server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const answers = owed.get(socket) ?? new Set<Owed>();
    const answer = { request, response };
    owed.set(socket, answers.add(answer));
    response.once("close", () => answers.delete(answer));
  });
  // Nobody need do what an expectation says that he does not know (RFC 9110): it is a request like any other.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  server.on("connect", (_, socket: Socket) => answerClientError({ code: TUNNEL }, socket));
}

/**
 * Answers what is no HTTP request, or too slow or too long a one, and hangs up. Whole requests that came
 * before it on the connection are answered first: they are being worked on.
 */
export function answerClientError({ code }: { code?: string }, socket: Socket): void {
  if (code === "ECONNRESET" || !socket.writable || given.has(socket)) return;
  given.add(socket);
  void answerInTurn(code, socket);
}

async function answerInTurn(code: string | undefined, socket: Socket): Promise<void> {
  const answers = [...(owed.get(socket) ?? [])];
  const before = answers.filter(({ request }) => request.complete);
  await Promise.all(before.map(({ response }) => closed(response)));
  // Part of an answer to the broken request itself is out: another beginning would only garble it.
  const begun = answers.some(({ request, response }) => !request.complete && response.headersSent);
  if (begun) socket.destroy();
  else if (socket.writable) hangUp(socket, code);
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) resolve();
    else response.once("close", resolve);
  });
}

const TUNNEL = "CONNECT";
const TOO_SLOW = "ERR_HTTP_REQUEST_TIMEOUT";

const WORDS: Record<string, string> = {
  [TOO_SLOW]: "The request did not arrive in time.",
  [TUNNEL]: "This server makes no tunnels.",
  HPE_HEADER_OVERFLOW: "The headers are larger than this server takes.",
};

function hangUp(socket: Socket, code = ""): void {
  const status = code === TOO_SLOW ? "408 Request Timeout" : "400 Bad Request";
  const message = WORDS[code] ?? "This is no HTTP request.";
  const action = "Correct the request and send it again.";
  const error = new OrchestratorError("bad_request", message, { action, delivery: "not_sent" });
  const body = JSON.stringify(error);
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
