import type { FanoutAnswer } from "../core/answers.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { HealthRecord } from "../core/health.ts";
import type { Instance } from "../core/instance.ts";
import type { NotSent } from "../core/ports.ts";
import type { FanoutInput } from "../core/requests.ts";
import { orderByHealth } from "../policy/candidates.ts";
import { mapLimited } from "../policy/limiter.ts";
import { aggregateRun } from "./aggregate.ts";
import type { Work } from "./attempt.ts";
import { defaultTargets } from "./delegate.ts";
import { deliver } from "./deliver.ts";
import { waited } from "./live-runs.ts";
import type { OpenRun } from "./open-run.ts";
import type { EngineParts } from "./parts.ts";
import { countOutcomes, outcomeView } from "./views.ts";

/** Sends a task to every target and accounts for each of them, in target order. */
export async function fanout(
  parts: EngineParts,
  input: FanoutInput,
  context: CallContext,
): Promise<FanoutAnswer> {
  const { clock } = parts;
  const settings = parts.settings();
  const targets = await parts.fleet.selectKnown(input.targets ?? defaultTargets("targets", settings));
  checkPayloads(input, targets);
  const timeoutMs = input.timeout ?? settings.timeoutMs;
  const { open, ended } = parts.live.start(
    {
      operation: "fanout",
      deadlineAt: clock.now() + timeoutMs,
      createdBy: context.createdBy,
      explanation: { order: targets.map(({ name }) => name), excluded: [] },
      outcomes: targets.map(({ name }) => ({ instance: name, delivery: "not_sent", reply: "pending" })),
    },
    context,
    (run) => askAll(parts, run, targets, input, context),
  );
  const enough = enoughReplies(open, input.minReplies ?? targets.length);
  const waitMs = input.wait ?? settings.waitMs;
  const over = await waited(clock, Promise.race([ended, enough]), { waitMs, timeoutMs });
  return answer(open, over, input);
}

function checkPayloads({ payloads }: FanoutInput, targets: readonly Instance[]): void {
  const stray = Object.keys(payloads ?? {}).find((name) => !targets.some((target) => target.name === name));
  if (stray === undefined) return;
  throw new OrchestratorError("bad_request", `payloads.${stray}: ${stray} is not among the targets.`, {
    delivery: "not_sent",
  });
}

async function askAll(
  parts: EngineParts,
  open: OpenRun,
  targets: readonly Instance[],
  input: FanoutInput,
  context: CallContext,
): Promise<void> {
  const { health, clock } = parts;
  const fleet = await parts.fleet.known();
  const retries = input.retries ?? parts.settings().retries;
  const work: Work = {
    hops: context.hops ?? 0,
    payloadFor: ({ name }) =>
      input.payloads && Object.hasOwn(input.payloads, name) ? (input.payloads[name] ?? null) : input.payload,
    send: (client, call) => client.send(call),
  };
  await mapLimited(targets, input.concurrency, async (target) => {
    const { order, excluded, doubtful } = orderByHealth([target], fleet, health.of, clock.now());
    open.run.explanation.excluded.push(...excluded);
    try {
      if (order.length === 0) throw notAsked(target, health.of(target));
      await deliver(parts, open, order, work, { retries: doubtful ? 0 : retries, idempotent: false });
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

function notAsked({ name }: Instance, { state, reason }: HealthRecord): OrchestratorError {
  return new OrchestratorError(
    state === "draining" ? "draining" : "instance_down",
    `${name} was not asked: it is ${state}: ${reason}`,
    { instance: name, delivery: "not_sent" },
  );
}

function refused(error: OrchestratorError): NotSent {
  return { delivery: "not_sent", reply: "none", again: "later", error };
}

function enoughReplies(open: OpenRun, minReplies: number): Promise<void> {
  if (minReplies >= open.run.outcomes.length) return new Promise(() => {});
  return new Promise((resolve) => {
    let done = 0;
    open.onEnded(({ reply }) => {
      if (reply === "done") done += 1;
      if (done >= minReplies) resolve();
    });
  });
}

function answer(
  { run, warnings, cancellation }: OpenRun,
  over: boolean,
  { aggregate }: FanoutInput,
): FanoutAnswer {
  const counts = countOutcomes(run.outcomes);
  return {
    runId: run.runId,
    complete: counts.pending === 0,
    timedOut: !over || cancellation.error?.code === "timeout",
    counts,
    outcomes: run.outcomes.map(outcomeView),
    ...(aggregate && combine(run, aggregate)),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  };
}

function combine(
  run: OpenRun["run"],
  spec: Exclude<FanoutInput["aggregate"], false | undefined>,
): Pick<FanoutAnswer, "aggregate" | "aggregateError"> {
  try {
    return { aggregate: aggregateRun(run, spec === true ? { strategy: "collect" } : spec) };
  } catch (error) {
    // The answers there are must not be lost because they cannot be made one.
    return { aggregateError: OrchestratorError.from(error).toBody() };
  }
}
