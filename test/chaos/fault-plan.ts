import type { RawRequest } from "../support/fault-server.ts";
import type { SeededRandom } from "./random.ts";
import { LONG_BODY } from "./sizes.ts";

/** Every fault that the proxy plays on single requests. */
export const REQUEST_FAULTS = [
  "reset before the body",
  "reset during the body",
  "reset after the body",
  "keep-alive closed on reuse",
  "accept and hang",
  "execute and drop the reply",
  "deliver after the reset",
  "401",
  "429",
  "429 with Retry-After",
  "503",
  "503 with Retry-After",
  "bare 503 after executing",
  "500 before executing",
  "500 after executing",
  "slow headers",
  "slow body",
  "truncated JSON",
  "wrong content type",
] as const;
export type RequestFault = (typeof REQUEST_FAULTS)[number];

/** What is done to whole processes and their listeners. */
export const PROCESS_FAULTS = [
  "refuse",
  "SIGSTOP of an instance",
  "SIGKILL of an instance",
  "SIGSTOP of an orchestrator",
  "SIGKILL of an orchestrator",
  "key changed",
] as const;
export type ProcessFault = (typeof PROCESS_FAULTS)[number];

/** What the calls themselves bring about. */
export const SIZE_FAULTS = ["body over the limit", "reply over the limit"] as const;
export type SizeFault = (typeof SIZE_FAULTS)[number];

export const FAULTS = [...REQUEST_FAULTS, ...SIZE_FAULTS, ...PROCESS_FAULTS];
export type FaultName = RequestFault | SizeFault | ProcessFault;

/** Which fault, if any, meets a request whose first bytes have come. */
export function planFault(
  random: SeededRandom,
  rate: number,
  { method, headers }: Pick<RawRequest, "method" | "headers">,
  reused: boolean,
): RequestFault | undefined {
  // Work is what may be done twice; questions and cancels meet faults too, but seldom enough to be heard.
  if (!random.chance(method === "POST" ? rate : rate / 3)) return undefined;
  const long = Number(headers["content-length"] ?? 0) >= LONG_BODY;
  if (long && random.chance(0.7)) return "reset during the body";
  const fault = random.one(REQUEST_FAULTS);
  if (fault === "reset during the body" && !long) return "reset before the body";
  if (fault === "keep-alive closed on reuse" && !reused) return "reset after the body";
  return fault;
}
