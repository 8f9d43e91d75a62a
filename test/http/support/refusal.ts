import { expect } from "vitest";
import { type ErrorBody, type ErrorCode, OrchestratorError } from "../../../src/core/errors.ts";
import { errorEnvelope } from "../../../src/http/answer-schemas.ts";
import type { Reply } from "../../support/http.ts";

/** Beyond this a refusal says more than anybody reads, also of a plan; what failed may tell of many attempts. */
const LONGEST = 20_000;

/** That an answer is an error in the one envelope, with the status of its code; the error. */
export function refusalIn({ status, headers, body }: Pick<Reply, "status" | "headers" | "body">): ErrorBody {
  expect(headers["content-type"]).toMatch(/^application\/json\b/);
  expect(Object.keys(body)).toEqual(["error"]);
  const error = errorEnvelope.parse(body).error as ErrorBody;
  // People retry 429 and 503: with another delivery than none the same code answers 502.
  const statuses = [OrchestratorError.fromBody(error).status];
  // Nothing answers this path; the request did not come in time.
  if (error.code === "bad_request") statuses.push(404, 408);
  expect(statuses).toContain(status);
  expect(error.message).toMatch(/\S/);
  expect(error.action).toMatch(/\S/);
  if (status < 500) expect(JSON.stringify(body).length).toBeLessThan(LONGEST);
  return error;
}

/** What an answer is, in two words: its status and its error's code, if it is one. */
export function inShort(reply: Reply): string {
  return reply.status < 400 ? String(reply.status) : `${reply.status} ${refusalIn(reply).code}`;
}

/** Refusals by what was tried, so that one comparison shows all that differ. */
export function all(tried: readonly string[], answer: `${number} ${ErrorCode}`): Record<string, string> {
  return Object.fromEntries(tried.map((each) => [each, answer]));
}
