import type { Delivery } from "./delivery.ts";

interface ErrorRow {
  /** HTTP status of an answer that carries this code. */
  status: number;
  /** Whether the identical call may be made again when nothing was delivered. */
  retry: boolean;
  /** What to do next, when the place that raised the error knows nothing better. */
  action: string;
}

/** Every error code, its HTTP status, whether a retry can be safe, and the next thing to do. */
export const ERROR_TABLE = {
  bad_request: { status: 400, retry: false, action: "Correct the named field and call again." },
  unauthorized: {
    status: 401,
    retry: false,
    action: "Set ORCHESTRATOR_API_KEY to a key that this server accepts.",
  },
  forbidden: { status: 403, retry: false, action: "Use a key with the scope that this call needs." },
  unknown_instance: {
    status: 404,
    retry: false,
    action: "Name a known instance; health without arguments lists them.",
  },
  session_not_found: {
    status: 404,
    retry: false,
    action: "List the sessions, or spawn one with this sessionId.",
  },
  run_not_found: {
    status: 404,
    retry: false,
    action: "List the runs; ended ones are kept as long as retention says.",
  },
  session_exists: {
    status: 409,
    retry: false,
    action: "Send to the session that exists, or close it and spawn again.",
  },
  session_busy: { status: 409, retry: true, action: "Wait for the message that is being answered." },
  conflict: { status: 409, retry: false, action: "Read the current state and decide again." },
  payload_too_large: {
    status: 413,
    retry: false,
    action: "Ask for less, or raise the limit where the data is produced.",
  },
  cancelled: { status: 499, retry: false, action: "Nothing to do: the work was cancelled." },
  rate_limited: { status: 429, retry: true, action: "Wait as long as Retry-After says, then call again." },
  instance_error: {
    status: 502,
    retry: false,
    action: "Read what the instance said; try another one only if doing the work twice is harmless.",
  },
  instance_unauthorized: {
    status: 502,
    retry: false,
    action: "Correct the credential that is configured for this instance.",
  },
  interrupted: {
    status: 502,
    retry: false,
    action: "The work was cut off and is not run again; start it anew if that is safe.",
  },
  aggregate_failed: { status: 502, retry: false, action: "Aggregate the run again with another strategy." },
  quorum_not_met: { status: 502, retry: false, action: "Read the answers there are, or ask more instances." },
  instance_down: {
    status: 503,
    retry: true,
    action: "Check health, start the instance, or name another one.",
  },
  draining: { status: 503, retry: true, action: "Name another instance: this one is shutting down." },
  overloaded: { status: 503, retry: true, action: "Wait, or name another instance." },
  store_unavailable: {
    status: 503,
    retry: true,
    action: "Nothing was sent. Run `orchestrator doctor` to see what is wrong with the state folder.",
  },
  timeout: { status: 504, retry: true, action: "Give it a longer timeout, or check the instance's health." },
  loop_detected: { status: 508, retry: false, action: "Take this fleet out of its own list of instances." },
  internal: { status: 500, retry: false, action: "Report this with the log lines of its runId." },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** What every answer that is an error carries under `error`. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  action: string;
  instance?: string;
  runId?: string;
  delivery?: Delivery;
  /** True only if the identical call cannot cause a second execution. */
  retryable: boolean;
  details?: Record<string, unknown>;
}

export interface ErrorFacts {
  action?: string | undefined;
  instance?: string | undefined;
  runId?: string | undefined;
  delivery?: Delivery | undefined;
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** People retry 429 and 503 blindly, so those two promise that nothing was delivered. */
const BLINDLY_RETRIED = new Set([429, 503]);

/** The one error of this project. Every face maps {@link ERROR_TABLE} from its code. */
export class OrchestratorError extends Error {
  override readonly name = "OrchestratorError";
  readonly code: ErrorCode;
  readonly action: string;
  readonly instance: string | undefined;
  readonly runId: string | undefined;
  readonly delivery: Delivery | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.action = facts.action ?? ERROR_TABLE[code].action;
    this.instance = facts.instance;
    this.runId = facts.runId;
    this.delivery = facts.delivery;
    this.details = facts.details;
  }

  /** HTTP status; 502 where 429 or 503 would invite a retry that is not safe. */
  get status(): number {
    const { status } = ERROR_TABLE[this.code];
    return BLINDLY_RETRIED.has(status) && !this.nothingDelivered ? 502 : status;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retry && this.nothingDelivered;
  }

  /** Without a word on it, errors are refusals and so undelivered; a timeout proves nothing. */
  private get nothingDelivered(): boolean {
    return this.delivery === undefined ? this.code !== "timeout" : this.delivery === "not_sent";
  }

  /** The same error with more facts, for a layer that knows the run or the instance. */
  with(facts: ErrorFacts): OrchestratorError {
    return new OrchestratorError(this.code, this.message, {
      action: facts.action ?? this.action,
      instance: facts.instance ?? this.instance,
      runId: facts.runId ?? this.runId,
      delivery: facts.delivery ?? this.delivery,
      details: facts.details ?? this.details,
      cause: facts.cause ?? this.cause,
    });
  }

  toBody(): ErrorBody {
    const delivery = this.delivery ?? (BLINDLY_RETRIED.has(this.status) ? "not_sent" : undefined);
    return {
      code: this.code,
      message: this.message,
      action: this.action,
      ...(this.instance !== undefined && { instance: this.instance }),
      ...(this.runId !== undefined && { runId: this.runId }),
      ...(delivery !== undefined && { delivery }),
      retryable: this.retryable,
      ...(this.details !== undefined && { details: this.details }),
    };
  }

  toJSON(): { error: ErrorBody } {
    return { error: this.toBody() };
  }

  static fromBody(body: ErrorBody): OrchestratorError {
    return new OrchestratorError(body.code, body.message, body);
  }

  /** Anything thrown, as one of ours; what is not ours is `internal` and keeps its cause. */
  static from(thrown: unknown): OrchestratorError {
    if (thrown instanceof OrchestratorError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new OrchestratorError("internal", message, { cause: thrown });
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_TABLE, code);
}
