import type { FastifyRequest } from "fastify";
import { OrchestratorError } from "../core/errors.ts";

const MOST_HOPS = 8;

/**
 * How many orchestrators a task has passed, by its header `Orchestrator-Hops`.
 *
 * @throws OrchestratorError `loop_detected` for one that has passed too many.
 */
export function hopsOf({ headers }: Pick<FastifyRequest, "headers">): number {
  const text = headers["orchestrator-hops"];
  if (text === undefined) return 0;
  if (!/^\d{1,9}$/.test(String(text))) {
    throw new OrchestratorError("bad_request", "The header Orchestrator-Hops is no whole number.");
  }
  if (Number(text) <= MOST_HOPS) return Number(text);
  throw new OrchestratorError(
    "loop_detected",
    `The task has passed ${text} orchestrators; ${MOST_HOPS} is the most.`,
    { delivery: "not_sent" },
  );
}
