import type { Step } from "../../core/plan.ts";

/** Which steps of a plan have ended when one of them begins, also by way of others. */
export class PlanGraph {
  readonly ids: readonly string[];
  readonly #place = new Map<string, number>();
  /** By a step's place: the places that it waits for by itself. */
  readonly #direct: number[][];
  /** By a step's place: a bit for every place that it waits for. */
  readonly #before: Uint32Array[];

  constructor(steps: readonly Step[]) {
    this.ids = steps.map(({ id }) => id);
    for (const [place, id] of this.ids.entries()) if (!this.#place.has(id)) this.#place.set(id, place);
    this.#direct = steps.map(({ needs }) => this.#placesOf(needs));
    // A fallback is begun when its step has failed, and sees why.
    for (const [place, { onError }] of steps.entries()) {
      if (typeof onError !== "object" || !("fallback" in onError)) continue;
      for (const fallback of this.#placesOf([onError.fallback])) this.#direct[fallback]?.push(place);
    }
    this.#before = closureOf(this.#direct);
  }

  has(id: string): boolean {
    return this.#place.has(id);
  }

  /** Whether a step has ended when the one at a place begins. */
  isBefore(id: string, place: number): boolean {
    const other = this.#place.get(id);
    return other !== undefined && hasBit(this.#before[place], other);
  }

  /** Steps that wait for themselves: of each ring one, as the way back to it. */
  rings(): { place: number; way: string[] }[] {
    const told = new Set<number>();
    return this.#direct.flatMap((_, place) => {
      if (told.has(place) || !hasBit(this.#before[place], place)) return [];
      const way = this.#wayBack(place);
      for (const each of way) told.add(each);
      return [{ place, way: way.map((each) => this.ids[each] as string) }];
    });
  }

  #placesOf(ids: readonly string[]): number[] {
    return [...new Set(ids)].flatMap((id) => this.#place.get(id) ?? []);
  }

  /** The shortest way from a step to itself. */
  #wayBack(start: number): number[] {
    const from = new Map<number, number>();
    const queue = [start];
    for (const place of queue) {
      for (const next of this.#direct[place] ?? []) {
        if (next === start) {
          const way = [start];
          for (let at = place; at !== start; at = from.get(at) as number) way.unshift(at);
          return place === start ? [start, start] : [start, ...way];
        }
        if (from.has(next)) continue;
        from.set(next, place);
        queue.push(next);
      }
    }
    return [start];
  }
}

/** A thousand steps may each need hundreds: their sets are united a word of bits at a time. */
function closureOf(direct: readonly number[][]): Uint32Array[] {
  const rows = direct.map(() => new Uint32Array(Math.ceil(direct.length / 32)));
  const order = needsFirst(direct);
  // Where steps wait for one another in a ring, one round is not enough.
  for (let changed = true; changed; ) {
    changed = false;
    for (const place of order) {
      const row = rows[place] as Uint32Array;
      for (const need of direct[place] ?? []) {
        const other = rows[need] as Uint32Array;
        for (let word = 0; word < row.length; word++) {
          const bit = need >>> 5 === word ? 1 << (need & 31) : 0;
          const united = ((row[word] ?? 0) | (other[word] ?? 0) | bit) >>> 0;
          if (united === row[word]) continue;
          row[word] = united;
          changed = true;
        }
      }
    }
  }
  return rows;
}

function needsFirst(direct: readonly number[][]): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const visit = (place: number) => {
    if (seen.has(place)) return;
    seen.add(place);
    direct[place]?.forEach(visit);
    order.push(place);
  };
  for (const place of direct.keys()) visit(place);
  return order;
}

function hasBit(row: Uint32Array | undefined, place: number): boolean {
  return (((row?.[place >>> 5] ?? 0) >>> (place & 31)) & 1) === 1;
}
