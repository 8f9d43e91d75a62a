import { OrchestratorError } from "../core/errors.ts";
import { type Instance, instanceId } from "../core/instance.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Answer, NotSent } from "../core/ports.ts";
import type { Slots } from "../policy/slots.ts";
import { type AttemptDependencies, attempt, type Work } from "./attempt.ts";
import type { Breakers } from "./breakers.ts";
import type { OpenRun } from "./open-run.ts";

export interface AdmissionDependencies extends AttemptDependencies {
  slots: Slots;
  breakers: Breakers;
}

/**
 * Has one instance try the work once it has a slot there and its breaker lets it through; what is
 * turned away here was not sent, and says nothing of the instance's health.
 *
 * @param doubtful Asks in spite of the breaker, since the observer is the likelier fault.
 */
export async function admitted(
  deps: AdmissionDependencies,
  open: OpenRun,
  outcome: Outcome,
  instance: Instance,
  work: Work,
  doubtful: boolean,
): Promise<Answer> {
  const { slots, breakers } = deps;
  const id = instanceId(instance);
  const most = instance.maxConcurrency;
  if (!slots.take(id, most)) {
    const place = await slots.wait(id, open.cancellation, most);
    if (place === "full") return turnedAway(instance, "overloaded", "full, and as many wait for it as may");
    // A cancelled one needs no slot: nothing is sent for it.
    if (place === "cancelled") return attempt(deps, open, outcome, instance, work);
  }
  try {
    const refreshing = breakers.refresh();
    if (!doubtful && (refreshing || breakers.blocks(instance) !== undefined)) {
      const blocked = await whyBlocked(breakers, instance, open);
      if (blocked !== undefined) return turnedAway(instance, "instance_down", blocked);
    }
    return await attempt(deps, open, outcome, instance, work);
  } finally {
    slots.release(id);
  }
}

async function whyBlocked(
  breakers: Breakers,
  instance: Instance,
  open: OpenRun,
): Promise<string | undefined> {
  await breakers.refresh();
  if (breakers.blocks(instance) !== undefined) await breakers.prepare([instance], open.remainingMs);
  return breakers.blocks(instance);
}

function turnedAway({ name }: Instance, code: "overloaded" | "instance_down", why: string): NotSent {
  return {
    delivery: "not_sent",
    reply: "none",
    // A breaker stays open longer than a retry waits.
    again: code === "overloaded" ? "later" : "never",
    error: new OrchestratorError(code, `${name} was not asked: it is ${why}.`, {
      instance: name,
      delivery: "not_sent",
    }),
  };
}
