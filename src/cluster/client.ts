import * as z from "zod";
import { type ErrorBody, OrchestratorError } from "../core/errors.ts";
import type { Clock, Logger, Random } from "../core/ports.ts";
import { type ConnectionOptions, connectCluster, noCluster } from "./connection.ts";
import type { RegisterBody } from "./registration.ts";

export interface RegistrationOptions extends ConnectionOptions {
  body: RegisterBody;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called with each new lease: a host keeps it, to claim its name again from another port. */
  onLease?: (leaseId: string) => void;
}

export interface RegistrationState {
  /** `missing`: no cluster answered the last time; `refused`: it answered with a refusal. */
  status: "starting" | "registered" | "missing" | "refused" | "closed";
  /** The lease that was given last. */
  leaseId?: string;
  /** Why it is `missing` or `refused`. */
  error?: ErrorBody;
}

export interface ClusterRegistration {
  /** Registers in the background, and again whenever the cluster forgot; never throws. */
  start(): void;
  /** Deregisters and ends, within about a second. */
  close(): Promise<void>;
  state(): RegistrationState;
}

const granted = z.object({
  leaseId: z.string().min(1).max(128),
  ttlSeconds: z.number().positive().max(86_400),
});

const CLOSE_MS = 1_000;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 30_000;

/** Keeps a skill or an instance registered with a cluster for as long as this process runs. */
export function createRegistration(options: RegistrationOptions): ClusterRegistration {
  const { body, clock, random, logger, onLease } = options;
  const connection = connectCluster(options);
  const member = "skillId" in body ? { skill: body.skillId } : { instance: body.instanceId };
  const facts = { cluster: options.url, ...member };
  /** The last lease, which claims the name again. */
  let { leaseId } = body;
  let registered = false;
  let error: OrchestratorError | undefined;
  let failures = 0;
  let step: Promise<void> | undefined;
  let stopTimer: (() => void) | undefined;
  let closing: Promise<void> | undefined;

  async function advance(): Promise<void> {
    const delayMs = await renewOrRegister().catch(failed);
    if (closing !== undefined) return;
    stopTimer = clock.after(delayMs, () => {
      step = advance();
    });
  }

  /** Milliseconds until the next renewal. */
  async function renewOrRegister(): Promise<number> {
    const renewed = registered ? await renew() : undefined;
    const { ttlSeconds } = renewed ?? (await register());
    if (error !== undefined || renewed === undefined) logger.info(facts, "registered with the cluster");
    registered = true;
    error = undefined;
    failures = 0;
    return (ttlSeconds * 1000) / 3;
  }

  /** `undefined` when the cluster does not know the lease, after a restart say. */
  async function renew() {
    const answer = await connection.request({ method: "PUT", path: leasePath() });
    if (answer !== undefined) return parseGrant(answer);
    registered = false;
    return undefined;
  }

  async function register() {
    const claim = { ...body, ...(leaseId !== undefined && { leaseId }) };
    const grant = parseGrant(await connection.request({ method: "POST", path: "register", body: claim }));
    const isNew = grant.leaseId !== leaseId;
    leaseId = grant.leaseId;
    if (isNew) onLease?.(leaseId);
    return grant;
  }

  const leasePath = () => `leases/${encodeURIComponent(leaseId ?? "")}`;

  function parseGrant(answer: unknown) {
    const parsed = granted.safeParse(answer);
    if (!parsed.success) throw noCluster(options.url, "without a lease");
    return parsed.data;
  }

  /** Says it, once for each kind of failure in a row; milliseconds until the next attempt. */
  function failed(thrown: unknown): number {
    const failure = OrchestratorError.from(thrown);
    if (closing === undefined && failure.code !== error?.code) {
      const { code, action } = failure;
      logger.warn({ ...facts, code, action }, `${failure.message} It is tried again in the background.`);
    }
    error = failure;
    failures++;
    // What was refused will hardly be granted within moments; who is missing may come back at any time.
    if (isRefusal(failure)) return LONGEST_BACKOFF_MS * (0.5 + random() / 2);
    return random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
  }

  async function deregister(): Promise<void> {
    const signal = AbortSignal.timeout(CLOSE_MS);
    await Promise.race([step, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    if (registered) {
      await connection.request({ method: "DELETE", path: leasePath(), signal }).catch(() => undefined);
    }
    await connection.close();
  }

  function status(): RegistrationState["status"] {
    if (closing !== undefined) return "closed";
    if (error) return isRefusal(error) ? "refused" : "missing";
    return registered ? "registered" : "starting";
  }

  return {
    start() {
      if (closing === undefined) step ??= advance();
    },
    close() {
      stopTimer?.();
      closing ??= deregister();
      return closing;
    },
    state: () => ({ status: status(), ...(leaseId && { leaseId }), ...(error && { error: error.toBody() }) }),
  };
}

function isRefusal(error: OrchestratorError): boolean {
  return error.status < 500;
}
