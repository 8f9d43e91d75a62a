import type { DryRunAnswer, FanoutAnswer } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { HealthRecord } from "../core/health.ts";
import type { Instance } from "../core/instance.ts";
import type { Json } from "../core/json.ts";
import type { NotSent } from "../core/ports.ts";
import type { FanoutInput } from "../core/requests.ts";
import type { Explanation } from "../core/run.ts";
import { asksForAll } from "../core/selector.ts";
import { orderByHealth } from "../policy/candidates.ts";
import { mapLimited } from "../policy/limiter.ts";
import { Fold } from "./aggregate-fold.ts";
import { wantedOf } from "./answer-wanted.ts";
import type { Work } from "./attempt.ts";
import { beliefs, defaultTargets, dryRunOf } from "./choose.ts";
import { deliver } from "./deliver.ts";
import { fanoutAnswer } from "./fanout-answer.ts";
import { enoughReplies, foldIn } from "./fanout-enough.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { perform } from "./perform.ts";

/**
 * Sends a task to every target and accounts for each of them, in target order.
 *
 * @throws OrchestratorError `quorum_not_met` where fewer than `minSuccess` have answered, or can.
 */
export async function fanout(
  parts: EngineParts,
  input: FanoutInput,
  context: CallContext,
): Promise<FanoutAnswer | DryRunAnswer> {
  const { clock } = parts;
  const settings = parts.settings();
  if (input.dryRun) return dryRun(parts, await targetsOf(parts, input));
  const timeoutMs = input.timeout ?? settings.timeoutMs;
  const waitMs = input.wait ?? settings.waitMs;
  const openUntil = clock.monotonic() + Math.min(waitMs, context.longestWaitMs ?? waitMs);
  const fold = foldOf(input);
  let settle = () => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const performed = await perform(
    parts,
    {
      input,
      facts: {
        caller: context.createdBy,
        operation: "fanout",
        work: {
          selector: (input.targets ?? settings.targets ?? null) as Json,
          payload: input.payload,
          payloads: input.payloads ?? null,
        },
      },
      waitMs,
      timeoutMs,
      bare: input.detail === "brief",
      prepare: async () => {
        const targets = await targetsOf(parts, input);
        if (context.confirmsAll) mindAll(parts, input, targets);
        return {
          run: {
            operation: "fanout",
            deadlineAt: clock.now() + timeoutMs,
            createdBy: context.createdBy,
            ...(input.budget && { budget: input.budget }),
            explanation: { order: targets.map(({ name }) => name), excluded: [] },
            ...wantedOf(input, fold),
            outcomes: targets.map(({ name, origin }) => ({
              instance: name,
              origin,
              delivery: "not_sent",
              reply: "pending",
            })),
          },
          work: (run) => {
            if (fold) foldIn(run, fold, input, settle);
            if (input.detail === "brief") run.forgetResults();
            return askAll(parts, run, targets, input, context);
          },
          enough: (open) => Promise.race([enoughReplies(parts, open, input), settled]),
        };
      },
    },
    context,
  );
  const { open, run } = performed;
  const fanned = { input, context, fold, openUntil };
  if (!input.cancelRest || !open || run.endedAt !== undefined)
    return fanoutAnswer(parts, { ...fanned, performed });
  await parts.live.cancel(
    run.runId,
    new OrchestratorError("cancelled", "The caller did not wait for the rest."),
  );
  return fanoutAnswer(parts, { ...fanned, performed: { ...performed, run: open.run } });
}

function foldOf({ aggregate }: FanoutInput): Fold | undefined {
  if (!aggregate) return undefined;
  return new Fold(aggregate === true ? { strategy: "collect" } : aggregate);
}

/** Who is asked; nobody for whom there is a payload is left out, and whoever is to reduce or judge is known. */
async function targetsOf(parts: EngineParts, input: FanoutInput): Promise<Instance[]> {
  const targets = await parts.fleet.selectKnown(input.targets ?? defaultTargets("targets", parts.settings()));
  const asked = foldOf(input)?.spec.instance;
  if (asked !== undefined) await parts.fleet.selectKnown(asked);
  const payloads = Object.keys(input.payloads ?? {});
  const stray = payloads.find((name) => !targets.some((target) => target.name === name));
  if (stray === undefined) return targets;
  throw new OrchestratorError("bad_request", `payloads.${stray}: ${stray} is not among the targets.`, {
    delivery: "not_sent",
  });
}

const CONFIRM_ABOVE = 20;

/** @throws OrchestratorError `bad_request` where `*` picks many, and nobody has said that it is meant. */
function mindAll(parts: EngineParts, { targets, confirmed }: FanoutInput, picked: readonly Instance[]): void {
  const { confirmAbove = CONFIRM_ABOVE } = parts.settings();
  if (confirmed || targets === undefined || !asksForAll(targets) || picked.length <= confirmAbove) return;
  throw new OrchestratorError(
    "bad_request",
    `targets: "*" picks ${picked.length} instances. Are all meant?`,
    {
      delivery: "not_sent",
      details: { confirm: picked.length },
      action: "Name those that are needed, or pass confirmed: true once it is sure that all are meant.",
    },
  );
}

async function askAll(
  parts: EngineParts,
  open: OpenRun,
  targets: readonly Instance[],
  input: FanoutInput,
  context: CallContext,
): Promise<void> {
  const { health, clock, breakers } = parts;
  const fleet = await parts.fleet.known();
  await breakers.refresh();
  const retries = input.retries ?? parts.settings().retries;
  const work: Work = {
    hops: context.hops ?? 0,
    payloadFor: ({ name }) =>
      input.payloads && Object.hasOwn(input.payloads, name) ? (input.payloads[name] ?? null) : input.payload,
    send: (client, call) => client.send(call),
  };
  await mapLimited(targets, input.concurrency, async (target) => {
    if (breakers.blocks(target) !== undefined) await breakers.prepare([target], open.remainingMs);
    const { excluded, doubtful } = orderByHealth([target], fleet, beliefs(parts), clock.now());
    try {
      if (excluded[0]) throw notAsked(target, health.of(target), leaveOut(open.run.explanation, excluded[0]));
      const options = { retries: doubtful ? 0 : retries, idempotent: false, doubtful };
      await deliver(parts, open, [target], work, options);
    } catch (error) {
      // One target's trouble must not cost the others their answers.
      open.end(open.outcomeAt(target), refused(OrchestratorError.from(error)));
    }
  });
  const { attempts, outcomes } = open.run;
  const [first] = outcomes;
  if (
    attempts.length === 0 &&
    first?.error &&
    outcomes.every(({ error }) => error?.code === "store_unavailable")
  )
    throw OrchestratorError.fromBody(first.error);
}

/** Who would be asked now, each by itself, and who not and why. */
async function dryRun(parts: EngineParts, targets: readonly Instance[]): Promise<DryRunAnswer> {
  const fleet = await parts.fleet.known();
  await parts.breakers.refresh();
  const explanation: Explanation = { order: targets.map(({ name }) => name), excluded: [] };
  for (const target of targets) {
    const { excluded } = orderByHealth([target], fleet, beliefs(parts), parts.clock.now());
    if (excluded[0]) leaveOut(explanation, excluded[0]);
  }
  return dryRunOf(parts, "fanout", explanation);
}

/** Moves one from those who are asked to those who are not; why not. */
function leaveOut(explanation: Explanation, excluded: Explanation["excluded"][number]): string {
  explanation.order = explanation.order.filter((name) => name !== excluded.instance);
  explanation.excluded.push(excluded);
  return excluded.reason;
}

function notAsked({ name }: Instance, { state }: HealthRecord, reason: string): OrchestratorError {
  return new OrchestratorError(
    state === "draining" ? "draining" : "instance_down",
    `${name} was not asked: it is ${reason}`,
    { instance: name, delivery: "not_sent" },
  );
}

function refused(error: OrchestratorError): NotSent {
  return { delivery: "not_sent", reply: "none", again: "later", error };
}
