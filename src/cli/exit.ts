import type { OutcomeView } from "../core/answers.ts";
import type { ErrorBody, ErrorCode } from "../core/errors.ts";
import type { StepView } from "../core/plan-answers.ts";

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

export function exitCodeOf({ code }: Pick<ErrorBody, "code">): number {
  return BY_CODE[code] ?? EXIT.failed;
}

/** Of work at several instances: where none is done, why, if all of them say the same. */
export function exitCodeOfAll(outcomes: readonly Pick<OutcomeView, "reply" | "error">[]): number {
  if (outcomes.some(({ reply }) => reply === "pending")) return EXIT.pending;
  const failed = outcomes.filter(({ reply }) => reply !== "done");
  if (failed.length === 0) return EXIT.done;
  if (failed.length < outcomes.length) return EXIT.partly;
  const [first = EXIT.failed, ...others] = new Set(
    failed.map(({ error }) => (error ? exitCodeOf(error) : EXIT.failed)),
  );
  return others.length === 0 ? first : EXIT.failed;
}

/** Of a plan; one that went on in spite of a step or an item that failed is partly done. */
export function exitCodeOfPlan({
  reply = "pending",
  counts,
  steps = [],
  error,
}: {
  reply?: string | undefined;
  counts: { failed: number };
  steps?: readonly Pick<StepView, "items">[] | undefined;
  error?: ErrorBody | undefined;
}): number {
  if (reply === "pending") return EXIT.pending;
  if (reply === "cancelled") return error?.code === "timeout" ? EXIT.timeout : EXIT.interrupted;
  if (reply === "failed") return error ? exitCodeOf(error) : EXIT.failed;
  const anyFailed = counts.failed > 0 || steps.some(({ items }) => (items?.failed ?? 0) > 0);
  return anyFailed ? EXIT.partly : EXIT.done;
}
