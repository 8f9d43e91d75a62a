import { OrchestratorError } from "../core/errors.ts";
import { isObject, type Json, parseJson } from "../core/json.ts";
import { chatDialect } from "./chat-completions.ts";
import { isSuccess, type OwnError, refusal } from "./delivery.ts";
import type { Exchange } from "./exchange.ts";
import { type Seen, seenAnyhow, strange } from "./probe.ts";
import { type ModelDialect, readModelError } from "./stream.ts";

// What an OpenClaw gateway means by its answers, as version 2026.9.6 gave them in November 2026.

/**
 * Its chat completions. Once the stream has begun, whatever is wrong comes as an event of it, an upstream
 * model's 401 or 429 too: that says nothing of our key.
 */
export const gatewayDialect: ModelDialect = {
  event(data, so) {
    chatDialect.event(data, so);
    if (data.error && so.error) so.error = runFailed(so.error);
  },
  whole(body, so) {
    chatDialect.whole(body, so);
    if (body.error && so.error) so.error = runFailed(so.error);
  },
};

function runFailed(error: OwnError): OwnError {
  return {
    ...error,
    message: `the agent's run failed: ${error.message}`,
    action: "Look into the gateway's log for the cause, such as its model not answering.",
  };
}

/** What the answer to `GET /readyz` says; only callers from its machine or with its token are told why not. */
export function readReady(exchange: Exchange): Seen {
  const anyhow = seenAnyhow(exchange);
  if (anyhow) return anyhow;
  const { status, body } = exchange;
  const json = parseJson(body);
  if (!isObject(json) || typeof json.ready !== "boolean" || (!isSuccess(status) && status !== 503))
    return strange(status, undefined, ", with something else than a gateway's readiness");
  if (json.ready) return { state: "healthy", reason: `answered ready (HTTP ${status})` };
  const failing = strings(json.failing);
  if (failing.includes("gateway-draining"))
    return { state: "draining", reason: `answered draining (HTTP ${status})` };
  return {
    state: "degraded",
    reason: `is not ready${failing.length > 0 ? `: ${failing.slice(0, 5).join(", ")}` : ""} (HTTP ${status})`,
  };
}

/** `{"error":{"message","type","code"?}}`; a path that is turned off is a bare 404. */
export function readGatewayError(exchange: Exchange, name: string): OwnError | undefined {
  const { status, body } = exchange;
  const own = readModelError(exchange);
  if (status === 404 && !own) {
    return {
      code: "instance_error",
      message: "no chat completions there: a gateway has them turned off unless told otherwise.",
      action:
        "Set gateway.http.endpoints.chatCompletions.enabled to true in the gateway's configuration, and give its url without a path.",
    };
  }
  if (status === 503) return own && refusesAll(parseJson(body)) ? { ...own, code: "draining" } : undefined;
  if (own && status === 400 && /agent/i.test(own.message))
    return {
      ...own,
      action: correctAgent(name),
    };
  return own;
}

/** Its own refusal of everything while it stops. Another 503 does not show that nothing was begun. */
function refusesAll(body: Json | undefined): boolean {
  return isObject(body) && isObject(body.error) && body.error.code === "gateway_unavailable";
}

/** What the answer to `GET /v1/models` says: why it could not be used, if so, and for this agent. */
export function readAgents(
  exchange: Exchange,
  { name, agent, now }: { name: string; agent: string | undefined; now: number },
): OrchestratorError | undefined {
  if (!isSuccess(exchange.status) || exchange.failure)
    return refusal(exchange, name, now, readGatewayError(exchange, name)).error;
  const json = parseJson(exchange.body);
  if (!isObject(json) || !Array.isArray(json.data)) {
    return new OrchestratorError("instance_error", `${name} answered with something else than its agents.`, {
      instance: name,
      action: "Check that the instance's url and protocol are right: something else may listen there.",
    });
  }
  const models = json.data.flatMap((each) => (isObject(each) && typeof each.id === "string" ? each.id : []));
  if (agent === undefined || models.includes(`openclaw/${agent}`)) return undefined;
  const agents = models.filter((id) => id.startsWith("openclaw/")).map((id) => id.slice("openclaw/".length));
  return new OrchestratorError("bad_request", `${name} has no agent ${agent}, but ${agents.join(", ")}.`, {
    instance: name,
    action: correctAgent(name),
  });
}

function correctAgent(name: string): string {
  return `Set fleet.${name}.agent in the configuration to an agent that the gateway has.`;
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
