import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { OrchestratorError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import { pathOf } from "./access.ts";

/** Answers whatever a route or the framework threw, in the envelope of every error. */
export function answerError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): void {
  const error = toOrchestratorError(thrown);
  if (error.code === "internal") {
    logger.error(
      { err: thrown, requestId: request.id, method: request.method, path: pathOf(request.url) },
      "request failed",
    );
  }
  if (error.code === "unauthorized") reply.header("www-authenticate", "Bearer");
  // Closing now would reset the connection while the rest of the body arrives, and lose this answer.
  if (error.code === "payload_too_large") reply.removeHeader("connection");
  if (error.runId !== undefined) reply.header("orchestrator-run-id", error.runId);
  Object.assign(request.facts ?? {}, factsOf(error));
  reply.status(error.status).send(error.toJSON());
}

function factsOf({ runId, instance }: OrchestratorError): FastifyRequest["facts"] {
  return { ...(runId !== undefined && { runId }), ...(instance !== undefined && { instance }) };
}

export function answerUnknownPath(request: FastifyRequest, reply: FastifyReply): void {
  const what = `${request.method} ${pathOf(request.url)}`;
  const error = new OrchestratorError("bad_request", `Nothing answers ${what} here.`, {
    action: "Correct the path or the method.",
    delivery: "not_sent",
  });
  reply.status(404).send(error.toJSON());
}

interface FrameworkError {
  code?: string;
  statusCode?: number;
  message: string;
}

const BODY_PROBLEMS: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "A body must be sent as application/json.",
  FST_ERR_CTP_EMPTY_JSON_BODY: "The body is empty, but is said to be application/json.",
  FST_ERR_CTP_INVALID_JSON_BODY:
    "The body is not JSON, or has a key that could reach an object's prototype (__proto__, constructor.prototype).",
};

function toOrchestratorError(thrown: unknown): OrchestratorError {
  if (thrown instanceof OrchestratorError) return thrown;
  const { code = "", statusCode = 500, message } = thrown as FrameworkError;
  if (!code.startsWith("FST_ERR_") || statusCode >= 500) return OrchestratorError.from(thrown);
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new OrchestratorError("payload_too_large", "The body is larger than this server takes.", {
      action: "Send less.",
      delivery: "not_sent",
    });
  }
  return new OrchestratorError("bad_request", BODY_PROBLEMS[code] ?? `${message}.`, {
    action: "Correct the request and send it again.",
    delivery: "not_sent",
  });
}

/** Answers what is no HTTP request, or too slow or too long a one, and hangs up. */
export function answerClientError(problem: NodeJS.ErrnoException, socket: Socket): void {
  if (problem.code === "ECONNRESET" || !socket.writable) return;
  const slow = problem.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = slow ? "408 Request Timeout" : "400 Bad Request";
  const message =
    problem.code === "HPE_HEADER_OVERFLOW"
      ? "The headers are larger than this server takes."
      : slow
        ? "The request did not arrive in time."
        : "This is no HTTP request.";
  const body = JSON.stringify(new OrchestratorError("bad_request", message, { delivery: "not_sent" }));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
