import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { issuesIn, type Plan, STEP_KINDS, type Step, stepSchema } from "../../core/plan.ts";
import { type Problem, problemsIn } from "../../core/validate.ts";
import { CallCheck, type KnownNames } from "./check-calls.ts";
import { ReferenceCheck } from "./check-references.ts";
import { PlanGraph } from "./plan-graph.ts";

/**
 * Everything that is wrong with a plan as it is written, before anything is sent.
 *
 * @param known the names that a selector picks; throws where it picks nobody.
 */
export async function problemsOf(plan: Plan, known: KnownNames): Promise<Problem[]> {
  const check = new PlanCheck(plan);
  for (const [place, step] of plan.steps.entries()) check.step(step, place);
  check.whole();
  return [...check.problems, ...(await check.calls.checkNames(known))];
}

/** All of them in one error. */
export function planError(problems: readonly Problem[]): OrchestratorError {
  const shown = problems.slice(0, 20).map(({ at, problem }) => `${at}: ${problem}`);
  const more = problems.length > shown.length ? [`and ${problems.length - shown.length} more`] : [];
  return new OrchestratorError("bad_request", `The plan is wrong: ${[...shown, ...more].join("; ")}`, {
    action: "Correct what is named and call again. Nothing was sent.",
    delivery: "not_sent",
    details: { field: problems[0]?.at, problems: problems.slice(0, 100) },
  });
}

class PlanCheck {
  readonly problems: Problem[] = [];
  readonly calls: CallCheck;
  readonly #plan: Plan;
  readonly #graph: PlanGraph;
  readonly #references: ReferenceCheck;
  readonly #fallbackOf = new Map<string, string>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#graph = new PlanGraph(plan.steps);
    this.#references = new ReferenceCheck(plan, this.#graph, this.#say);
    this.calls = new CallCheck(this.#references, this.#say);
  }

  step(step: Step, place: number): void {
    const { id, needs, forEach, when, onError, concurrency, retries } = step;
    const at = `steps[${place}]`;
    const issues = problemsIn(stepSchema, issuesIn(step), at);
    this.problems.push(...issues);
    if (id !== "" && this.#graph.ids.indexOf(id) < place)
      this.#say(`${at}.id`, `there is another step ${id}`);
    for (const [index, need] of needs.entries()) this.#references.checkId(need, `${at}.needs[${index}]`);
    this.#fallback(step, place);
    if (concurrency !== undefined && forEach === undefined)
      this.#say(`${at}.concurrency`, "is for a step with forEach");
    const list = forEach === undefined ? [] : this.#references.filled(forEach, `${at}.forEach`);
    if (typeof list === "string")
      this.#references.checkWhole(list, `${at}.forEach`, "a list, or a reference to one");
    else if (!Array.isArray(list)) this.#say(`${at}.forEach`, "expected a list, or a reference to one");
    this.#condition(when, `${at}.when`);
    for (const [field, value] of Object.entries({ forEach, when, onError }))
      this.#references.check(value, `${at}.${field}`, { place });
    const kinds = STEP_KINDS.filter((each) => step[each] !== undefined);
    for (const kind of kinds)
      this.calls.check(kind, step[kind] as Record<string, Json>, {
        at: `${at}.${kind}`,
        ...{ place, hasItem: forEach !== undefined },
      });
    const [kind] = kinds;
    if (retries !== undefined && (kind === "aggregate" || kind === "session"))
      this.#say(`${at}.retries`, `is for delegate and fanout, and this is ${kind}`);
  }

  /** What no step has by itself. */
  whole(): void {
    for (const { place, way } of this.#graph.rings())
      this.#say(`steps[${place}].needs`, `${way[0]} waits for itself: ${way.join(" → ")}`);
    this.#references.check(this.#plan.output, "output", {});
  }

  /** A condition that refers to nothing is always the same. */
  #condition(when: Step["when"], at: string): void {
    if (typeof when !== "object") {
      this.#references.checkWhole(when, at, "a reference such as ${steps.id.value}, or a comparison");
      return;
    }
    if (when.exists !== undefined) {
      if (typeof when.value !== "string") this.#say(`${at}.value`, "expected a reference");
      this.#references.checkWhole(when.value, `${at}.value`, "a reference");
    }
    for (const name of ["greaterThan", "lessThan"] as const) {
      const limit = when[name];
      if (typeof limit === "string" && (limit.trim() === "" || Number.isNaN(Number(limit))))
        this.#references.checkWhole(limit, `${at}.${name}`, "a number, or a reference to one");
    }
  }

  /** A fallback waits to be called for, by one step, and needs nothing that may not have ended then. */
  #fallback({ id, onError }: Step, place: number): void {
    if (typeof onError !== "object" || !("fallback" in onError)) return;
    const { fallback } = onError;
    const at = `steps[${place}].onError.fallback`;
    if (!this.#references.checkId(fallback, at)) return;
    const other = this.#fallbackOf.get(fallback);
    if (other !== undefined) this.#say(at, `${fallback} is the fallback of ${other} already`);
    this.#fallbackOf.set(fallback, id);
    for (const step of this.#plan.steps) {
      if (step.needs.includes(fallback))
        this.#say(at, `${step.id} needs ${fallback}, which is done only if ${id} fails`);
      if (step.id !== fallback) continue;
      for (const need of step.needs) {
        if (!this.#graph.has(need) || need === id || this.#graph.isBefore(need, place)) continue;
        this.#say(
          at,
          `${fallback} needs ${need}, which may go on when ${id} fails; add it to the needs of ${id}`,
        );
      }
    }
  }

  readonly #say = (at: string, problem: string): void => {
    this.problems.push({ at, problem });
  };
}
