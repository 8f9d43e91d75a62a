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
  const error = wasBrokenOff(request) ? brokenOff(thrown) : toOrchestratorError(thrown);
  if (error.code === "internal") {
    logger.error(
      { err: thrown, requestId: request.id, method: request.method, path: pathOf(request.url) },
      "request failed",
    );
  }
  if (error.code === "unauthorized") reply.header("www-authenticate", "Bearer");
  // Closing now would reset the connection while the rest of the body arrives, and lose this answer.
  if (error.code === "payload_too_large") reply.removeHeader("connection");
  // The id of a run that is not found is whatever its caller wrote, and not all of that fits a header.
  if (error.runId !== undefined && /^[\x21-\x7e]+$/.test(error.runId))
    reply.header("orchestrator-run-id", error.runId);
  Object.assign(request.facts ?? {}, factsOf(error));
  reply.status(error.status).send(error.toJSON());
}

/** Whether the caller left before all of its request was here: nobody hears the answer. */
function wasBrokenOff({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete;
}

function brokenOff(cause: unknown): OrchestratorError {
  return new OrchestratorError("bad_request", "The request broke off before all of it had arrived.", {
    delivery: "not_sent",
    cause,
  });
}

function factsOf({ runId, instance }: OrchestratorError): FastifyRequest["facts"] {
  return { ...(runId !== undefined && { runId }), ...(instance !== undefined && { instance }) };
}

export function answerUnknownPath(request: FastifyRequest, reply: FastifyReply): void {
  const { method, url } = request;
  const error = new OrchestratorError(
    "bad_request",
    `Nothing answers ${method} ${shown(pathOf(url))} here.`,
    {
      action: "Correct the path or the method.",
      delivery: "not_sent",
    },
  );
  reply.status(404).send(error.toJSON());
}

const LONGEST_SHOWN = 200;

function shown(path: string): string {
  return path.length > LONGEST_SHOWN ? `${path.slice(0, LONGEST_SHOWN)}…` : path;
}

interface FrameworkError {
  code?: string;
  statusCode?: number;
  message: string;
}

const PROBLEMS: Record<string, string> = {
  FST_ERR_BAD_URL: "The path cannot be decoded.",
  FST_ERR_MAX_PARAM_LENGTH: "The id in the path is too long.",
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
  return new OrchestratorError("bad_request", PROBLEMS[code] ?? message.replace(/\.?$/, "."), {
    action: "Correct the request and send it again.",
    delivery: "not_sent",
  });
}
