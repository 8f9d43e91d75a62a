import type { ErrorCode, OrchestratorError } from "../core/errors.ts";

/** Exit codes, as WIRE.md lists them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  unauthorized: 4,
  timeout: 5,
  pending: 6,
  interrupted: 130,
} as const;

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  bad_request: EXIT.usage,
  unknown_instance: EXIT.usage,
  unauthorized: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
  instance_unauthorized: EXIT.unauthorized,
  timeout: EXIT.timeout,
  cancelled: EXIT.interrupted,
};

export function exitCodeOf({ code }: OrchestratorError): number {
  return BY_CODE[code] ?? EXIT.failed;
}
