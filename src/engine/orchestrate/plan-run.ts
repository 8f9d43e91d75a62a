import { whySpent } from "../../core/budget.ts";
import type { Cancellation } from "../../core/cancellation.ts";
import type { CallContext } from "../../core/context.ts";
import type { Json } from "../../core/json.ts";
import type { Plan } from "../../core/plan.ts";
import { stepProgress } from "../../core/plan-answers.ts";
import type { PlanProgress, StepProgress } from "../../core/plan-state.ts";
import { addUsage, type Usage } from "../../core/usage.ts";
import type { OpenRun } from "../open-run.ts";
import type { EngineParts } from "../parts.ts";
import { resultKey } from "../run-keys.ts";
import { usageOf } from "../views.ts";
import type { Scope } from "./references.ts";

/** What `${steps.id}` gives: what a step came to. */
export interface StepResult {
  value: Json;
  reply: "done" | "failed" | "skipped";
  /** `delegate`, `session`: who did it. */
  instance?: string;
  /** `fanout`: one entry a target; `forEach`: one a call. */
  outcomes?: Json;
  /** `fanout` and `aggregate`: whose answers are in the value, and who is missing and why. */
  sources?: string[];
  missing?: Json;
  dissent?: Json;
  /** `judge`: which answer was picked, and why. */
  verdict?: Json;
  error?: Json;
}

/** A plan that this process works on: how far it is, and what its steps came to. */
export class PlanRun {
  readonly parts: EngineParts;
  readonly open: OpenRun;
  readonly plan: Plan;
  readonly progress: PlanProgress;
  readonly #context: CallContext;
  readonly #results = new Map<string, StepResult>();
  /** What the runs that have ended cost, by their ids, and the runs of the calls that are under way. */
  readonly #usages = new Map<string, Usage | undefined>();
  readonly #runsOf = new Map<string, string[]>();
  /** Tasks of calls that are under way. */
  #underWay = 0;

  constructor(parts: EngineParts, open: OpenRun, plan: Plan, context: CallContext) {
    this.parts = parts;
    this.open = open;
    this.plan = plan;
    this.progress = open.run.plan as PlanProgress;
    this.#context = context;
  }

  get cancellation(): Cancellation {
    return this.open.cancellation;
  }

  step(id: string): StepProgress {
    return this.progress.steps.find((step) => step.id === id) as StepProgress;
  }

  /** What the calls of a step are made with. */
  contextOf(step: string, index: number, cancellation: Cancellation): CallContext {
    const { createdBy, hops, confirmsAll } = this.#context;
    const { runId } = this.open.run;
    const { runIds } = this.step(step);
    const ofCall = this.#runsOf.get(`${step}/${index}`) ?? [];
    this.#runsOf.set(`${step}/${index}`, ofCall);
    return {
      createdBy,
      ...(hops !== undefined && { hops }),
      ...(confirmsAll && { confirmsAll }),
      cancellation,
      partOf: { runId, step, index },
      onRun: (id) => {
        if (!runIds.includes(id)) runIds.push(id);
        ofCall.push(id);
        this.open.touch();
      },
    };
  }

  /** Adds what the runs of a call cost to what its step did, whether or not it came to anything. */
  async count(id: string, index: number): Promise<void> {
    const { live, journal } = this.parts;
    const place = `${id}/${index}`;
    for (const runId of this.#runsOf.get(place) ?? []) {
      const run = live.find(runId)?.run ?? (await journal.read(runId).catch(() => undefined));
      if (run) this.#usages.set(runId, usageOf(run).usage);
    }
    this.#runsOf.delete(place);
    const step = this.step(id);
    const usage = step.runIds.reduce<Usage | undefined>(
      (sum, runId) => addUsage(sum, this.#usages.get(runId)),
      undefined,
    );
    if (usage) step.usage = usage;
  }

  /** What references of a step are looked up in. */
  scope(item?: { item: Json; index: number }): Scope {
    const steps = Object.fromEntries(this.#results) as unknown as Json;
    return { steps, inputs: this.plan.inputs as Json, ...item };
  }

  resultOf(id: string): StepResult | undefined {
    return this.#results.get(id);
  }

  /** What a step that goes on came to so far, for those that stand in for it. */
  see(id: string, result: StepResult): void {
    this.#results.set(id, result);
  }

  /** Tells those who watch that a step has ended. */
  stepEnded(id: string): void {
    this.open.touch();
    const { runId } = this.open.run;
    const { steps } = this.progress;
    const { state } = this.step(id);
    try {
      this.#context.onProgress?.({
        runId,
        ...stepProgress(id, state),
        ended: steps.filter(({ endedAt }) => endedAt !== undefined).length,
        total: steps.length,
      });
    } catch (error) {
      // Whoever watches must not disturb the work.
      this.parts.logger.warn({ err: error, runId }, "progress could not be told");
    }
  }

  /** Keeps what a step came to: in the store first, so that a step that is said to have ended has a result. */
  async keep(id: string, result: StepResult): Promise<void> {
    this.#results.set(id, result);
    const text = JSON.stringify(result);
    const { runId, deadlineAt } = this.open.run;
    const index = this.progress.steps.findIndex((step) => step.id === id);
    const expiresAt = deadlineAt + this.open.keepMs;
    this.step(id).valueChars = JSON.stringify(result.value).length;
    await this.open.tell(this.parts.store.put(resultKey(runId, index), text, { expiresAt }));
  }

  /** Reads what the steps that have ended came to: another process may have done them. */
  async load(): Promise<void> {
    const { runId } = this.open.run;
    for (const [index, { id, endedAt }] of this.progress.steps.entries()) {
      if (endedAt === undefined) continue;
      const entry = await this.parts.store.get(resultKey(runId, index));
      if (entry) this.#results.set(id, JSON.parse(entry.value) as StepResult);
    }
  }

  /** Takes so many tasks from the plan's budget; gives back what says that they have ended. */
  spend(tasks: number): () => void {
    const { budget } = this.plan;
    const { calls } = this.progress;
    const { usage } = usageOf(this.open.run);
    const spent = budget && whySpent(budget, { calls: calls + this.#underWay, due: tasks, usage });
    if (spent) throw spent;
    this.#underWay += tasks;
    return () => {
      this.#underWay -= tasks;
      this.progress.calls += tasks;
    };
  }
}
