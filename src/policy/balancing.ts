import type { BalancingStrategy } from "../core/balancing.ts";
import type { Random } from "../core/ports.ts";

export interface Load {
  random: Random;
  /** How many tasks are there now. */
  inFlight: (id: string) => number;
  /** When it was last put first: rises with every pick, 0 for never. */
  lastPicked: (id: string) => number;
}

/** Puts a pool in the order in which its members are to be asked; those that tie stay as listed. Pure. */
export function balance<T>(
  pool: readonly T[],
  pick: BalancingStrategy,
  idOf: (member: T) => string,
  load: Load,
): T[] {
  switch (pick) {
    case "ordered":
      return [...pool];
    case "round-robin":
      return pool.toSorted((a, b) => load.lastPicked(idOf(a)) - load.lastPicked(idOf(b)));
    case "least-busy":
      return leastBusyFirst(pool, (member) => load.inFlight(idOf(member)), load.random);
  }
}

/**
 * The less busy of two that chance names goes first (Mitzenmacher, "The Power of Two Choices", 2001):
 * always taking the least busy of all would have every process rush to the same one.
 */
function leastBusyFirst<T>(pool: readonly T[], busy: (member: T) => number, random: Random): T[] {
  if (pool.length < 2) return [...pool];
  const one = Math.floor(random() * pool.length);
  const other = (one + 1 + Math.floor(random() * (pool.length - 1))) % pool.length;
  const [a, b] = [pool[Math.min(one, other)] as T, pool[Math.max(one, other)] as T];
  const first = busy(b) < busy(a) ? b : a;
  return [first, ...pool.filter((member) => member !== first)];
}

/** Who was put first, and in which order. */
export class Turns {
  readonly #picked = new Map<string, number>();
  #count = 0;

  last = (id: string): number => this.#picked.get(id) ?? 0;

  took(id: string): void {
    this.#count += 1;
    this.#picked.set(id, this.#count);
  }
}
