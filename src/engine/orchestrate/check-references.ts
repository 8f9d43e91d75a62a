import { OrchestratorError } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";
import { nearest } from "../../core/nearest.ts";
import type { Plan } from "../../core/plan.ts";
import type { PlanGraph } from "./plan-graph.ts";
import {
  type Named,
  parseText,
  type Reference,
  referencesIn,
  resolve,
  wholeReference,
} from "./references.ts";

export type Say = (at: string, problem: string) => void;

/** Where references stand: in a step, by its place, or in the plan's output. */
export interface Standing {
  place?: number;
  /** In the call of a step with `forEach`. */
  hasItem?: boolean;
}

/** Checks that references can be looked up where they stand. */
export class ReferenceCheck {
  readonly #graph: PlanGraph;
  readonly #plan: Plan;
  readonly #inputs: readonly string[];
  readonly #say: Say;

  constructor(plan: Plan, graph: PlanGraph, say: Say) {
    this.#graph = graph;
    this.#plan = plan;
    this.#inputs = Object.keys(plan.inputs);
    this.#say = say;
  }

  /** Every reference in a value. */
  check(value: unknown, at: string, standing: Standing): void {
    for (const { at: inner, text } of referencesIn(value)) {
      const where = inner === "" || inner.startsWith("[") ? at + inner : `${at}.${inner}`;
      for (const part of this.#parse(text, where)) {
        if (typeof part === "string") continue;
        for (const named of [part, ...part.others]) this.#checkNamed(named, part, where, standing);
      }
    }
  }

  /** Text that has to be one reference and nothing else; one that is no path is told by {@link check}. */
  checkWhole(value: unknown, at: string, expected: string): void {
    if (typeof value !== "string") return;
    if (isPath(value) && !wholeReference(value)) this.#say(at, `expected ${expected}`);
  }

  /** The value with inputs where they are referred to; what steps come to stays to be filled in. */
  filled(value: Json, at: string): Json {
    if (Array.isArray(value)) return value.map((inner, index) => this.filled(inner, `${at}[${index}]`));
    if (isObject(value)) {
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([key, inner]) => [key, this.filled(inner, `${at}.${key}`)]));
    }
    if (typeof value !== "string" || !value.includes("${")) return value;
    const known = (part: string | Reference) =>
      typeof part === "string" || [part, ...part.others].every((named) => this.#isInput(named));
    try {
      return parseText(value).every(known) ? resolve(value, { inputs: this.#plan.inputs as Json }) : value;
    } catch (error) {
      // What is no path is told of each reference.
      if (isPath(value)) this.#say(at, OrchestratorError.from(error).message.replace(/\.$/, ""));
      return value;
    }
  }

  /** The name of a step. */
  checkId(id: string, at: string): boolean {
    if (this.#graph.has(id)) return true;
    const near = nearest(id, this.#graph.ids);
    this.#say(at, `there is no step ${id}${near === undefined ? "" : `; did you mean ${near}?`}`);
    return false;
  }

  /** The name of a step that has ended when another begins. */
  checkNeeded(id: string, at: string, place: number, written = ""): void {
    if (!this.checkId(id, at) || this.#graph.isBefore(id, place)) return;
    const own = this.#graph.ids[place];
    const problem =
      own === id ? `${id} cannot refer to itself` : `${own} does not need ${id}; add it to its needs`;
    this.#say(at, written + problem);
  }

  #isInput({ root, name }: Named): boolean {
    return root === "inputs" && name !== undefined && this.#inputs.includes(name);
  }

  #parse(text: string, at: string): (string | Reference)[] {
    try {
      return parseText(text);
    } catch (error) {
      this.#say(at, OrchestratorError.from(error).message.replace(/\.$/, ""));
      return [];
    }
  }

  #checkNamed({ root, name }: Named, { path }: Reference, at: string, { place, hasItem }: Standing): void {
    const written = `\${${path}}`;
    if (root === "item" || root === "index") {
      if (!hasItem) this.#say(at, `${written} is for the call of a step with forEach`);
    } else if (root === "inputs") {
      if (this.#isInput({ root, name })) return;
      const near = name === undefined ? undefined : nearest(name, this.#inputs);
      const known =
        this.#inputs.length === 0 ? "there are none" : `known: ${this.#inputs.slice(0, 20).join(", ")}`;
      this.#say(at, `${written} names no input; ${near === undefined ? known : `did you mean ${near}?`}`);
    } else if (name === undefined) this.#say(at, `${written} names no step`);
    else if (place === undefined) this.checkId(name, at);
    else this.checkNeeded(name, at, place, `${written}: `);
  }
}

function isPath(text: string): boolean {
  try {
    parseText(text);
    return true;
  } catch {
    return false;
  }
}
