import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";
import type { StepKind } from "../../core/plan.ts";
import { checkCall } from "../../core/plan-calls.ts";
import type { Selector } from "../../core/selector.ts";
import type { Problem } from "../../core/validate.ts";
import type { ReferenceCheck, Say, Standing } from "./check-references.ts";
import { referencesIn } from "./references.ts";

/** Which of the two defaults holds where nobody is named. */
export type NameField = "instances" | "targets";
/** The names that a selector picks, or those that are configured; throws where that is nobody. */
export type KnownNames = (selector: Selector | undefined, field: NameField) => Promise<readonly string[]>;

interface NamedInCall {
  at: string;
  selector: Selector | undefined;
  field: NameField;
  /** `fanout`: payloads for these by name. */
  payloads?: string[];
}

/** Checks the calls of a plan's steps, as far as they stand as they are. */
export class CallCheck {
  readonly #references: ReferenceCheck;
  readonly #say: Say;
  readonly #named: NamedInCall[] = [];

  constructor(references: ReferenceCheck, say: Say) {
    this.#references = references;
    this.#say = say;
  }

  check(
    kind: StepKind,
    call: Record<string, Json>,
    { at, ...standing }: Standing & { at: string; place: number },
  ): void {
    this.#references.check(call, at, standing);
    const filled = this.#references.filled(call, at) as Record<string, Json>;
    const { fields, where, problems } = checkCall(kind, filled, at);
    // What is referred to is filled in later, and checked then.
    const open = referencesIn(fields, at + where).map((reference) => reference.at);
    for (const { at: place, problem } of problems)
      if (!open.some((each) => isWithin(each, place))) this.#say(place, problem);
    if (problems.some((problem) => problem.at === at)) return;
    this.#collectNames(kind, fields, at + where);
    if (kind === "aggregate") this.#checkFrom(call.from, `${at}.from`, standing.place);
  }

  /** Everyone who is named must be known; each selector is asked for once. */
  async checkNames(known: KnownNames): Promise<Problem[]> {
    const asked = new Map<string, Promise<readonly string[] | string>>();
    const found = this.#named.map(async ({ at, selector, field, payloads = [] }) => {
      const key = JSON.stringify([selector ?? null, field]);
      const names =
        asked.get(key) ?? known(selector, field).catch((error) => OrchestratorError.from(error).message);
      asked.set(key, names);
      const picked = await names;
      if (typeof picked === "string")
        return [{ at, problem: picked.replace(`${field}: `, "").replace(/\.$/, "") }];
      return payloads
        .filter((name) => !picked.includes(name))
        .map((name) => ({
          at: `${at.replace(/\.targets$/, "")}.payloads.${name}`,
          problem: `${name} is not among the targets`,
        }));
    });
    return (await Promise.all(found)).flat();
  }

  #collectNames(kind: StepKind, fields: Record<string, Json>, at: string): void {
    const { aggregate, payloads } = fields;
    if (kind === "delegate") this.#name(fields.instances, `${at}.instances`, { field: "instances" });
    else if (kind === "fanout") {
      this.#name(fields.targets, `${at}.targets`, {
        field: "targets",
        ...(isObject(payloads) && { payloads: Object.keys(payloads) }),
      });
      if (isObject(aggregate) && aggregate.instance !== undefined)
        this.#name(aggregate.instance, `${at}.aggregate.instance`, { field: "targets" });
    } else if (fields.instance !== undefined)
      this.#name(fields.instance, `${at}.instance`, { field: "instances" });
  }

  #name(selector: Json | undefined, at: string, facts: Omit<NamedInCall, "at" | "selector">): void {
    if (referencesIn(selector).length > 0) return;
    const isNone = selector === undefined;
    if (!isNone && !isSelector(selector)) return;
    this.#named.push({ at, selector, ...facts });
  }

  /** Steps are named as they are: who they are decides what must be needed. */
  #checkFrom(from: Json | undefined, at: string, place: number): void {
    if (!Array.isArray(from)) {
      if (referencesIn(from).length > 0) this.#say(at, "expected the ids of steps, and no reference");
      return;
    }
    for (const [index, id] of from.entries()) {
      const where = `${at}[${index}]`;
      if (typeof id !== "string") continue;
      if (referencesIn(id).length > 0) this.#say(where, "expected the id of a step, and no reference");
      else this.#references.checkNeeded(id, where, place);
    }
  }
}

function isSelector(value: Json): value is string | string[] {
  return (
    (typeof value === "string" && value !== "") ||
    (Array.isArray(value) &&
      value.length > 0 &&
      value.every((each) => typeof each === "string" && each !== ""))
  );
}

/** Whether a place is the same as another, or within it. */
function isWithin(inner: string, outer: string): boolean {
  return inner === outer || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));
}
