import type { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Answer, Call, Clock, InstanceClient, InstanceClients, NotSent, Random } from "../core/ports.ts";
import { taskKey } from "../core/run.ts";
import type { HealthMonitor } from "./health-monitor.ts";
import type { OpenRun } from "./open-run.ts";
import { settle } from "./settle.ts";

/** How long an instance may hold our request open before it answers that it is still working. */
const HOLD_MS = 20_000;

export interface AttemptDependencies {
  clock: Clock;
  random: Random;
  clients: InstanceClients;
  health: HealthMonitor;
}

/** What is sent: a task, or a message of a session. */
export interface Work {
  hops: number;
  payloadFor(instance: Instance): Call["payload"];
  send(client: InstanceClient, call: Call): Promise<Answer>;
}

/**
 * Has one instance try the work, and follows it until nothing more is to be heard: the intent is
 * committed, the request goes out once, an answer that is pending or lost is asked for.
 *
 * @throws OrchestratorError `store_unavailable` or `conflict` when the intent could not be committed:
 * then nothing was sent.
 */
export async function attempt(
  deps: AttemptDependencies,
  open: OpenRun,
  outcome: Outcome,
  instance: Instance,
  work: Work,
): Promise<Answer> {
  if (open.cancellation.error) return withheld(open.cancellation.error);
  if (open.spent) return withheld(open.spent);
  const { clients, health } = deps;
  const client = clients.of(instance);
  const key = taskKey(open.run.runId, instance.name, { generation: burntKeys(open, outcome) });
  const storeIdBefore = health.of(instance).storeId;
  const record = await open.intend(outcome, key, storeIdBefore);
  const answer = open.cancellation.error
    ? withheld(open.cancellation.error)
    : await work.send(client, {
        key,
        payload: work.payloadFor(instance),
        hops: work.hops,
        waitMs: Math.max(0, Math.min(HOLD_MS, open.remainingMs)),
        cancellation: open.cancellation,
        onHandle: (handle) =>
          open.note(record, outcome, { delivery: "accepted", reply: "pending", ...handle }),
        onProgress: (progress) => open.working(outcome, progress),
      });
  open.note(record, outcome, answer);
  // What the caller cut short says nothing of the instance.
  if (!open.cancellation.error) health.note(instance, answer, record.startedAt);
  if (isFinal(answer)) return answer;
  const settled = await settle({ ...deps, open, instance, client, key, storeIdBefore }, answer);
  open.note(record, outcome, settled);
  return settled;
}

function isFinal(answer: Answer): boolean {
  return answer.delivery !== "unknown" && answer.reply !== "pending";
}

/** Keys that a tombstone has burnt here: the next attempt needs a new one. */
function burntKeys(open: OpenRun, outcome: Outcome): number {
  return open.attemptsAt(outcome).filter(({ keyBurnt }) => keyBurnt).length;
}

function withheld(error: OrchestratorError): NotSent {
  return {
    delivery: "not_sent",
    reply: "none",
    again: "never",
    error: error.with({ delivery: "not_sent" }),
  };
}
