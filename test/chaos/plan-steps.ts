import type { SeededRandom } from "./random.ts";

/** A step whose calls carry ids that the ledger will have. */
export interface PlannedStep {
  id: string;
  needs: string[];
  onError: "continue";
  timeout: string;
  forEach?: string[];
  delegate?: { instances: string[]; payload: object };
  fanout?: { targets: string[]; payload: object };
}

/** Steps in layers, each of which needs one or two of the layer before; the same for the same numbers. */
export function planSteps(random: SeededRandom, count: number, instances: readonly string[]): PlannedStep[] {
  const layer = 20;
  return Array.from({ length: count }, (_, index): PlannedStep => {
    const id = `s${index}`;
    const before = Math.floor(index / layer) * layer;
    const needs =
      before === 0 ? [] : [...new Set([0, 1].map(() => `s${before - layer + random.between(0, layer - 1)}`))];
    const common = { id, needs, onError: "continue", timeout: "30s" } as const;
    const payload = { callId: id, ms: random.between(0, 400), fail: random.chance(0.02) };
    const kind = random.next();
    if (kind < 0.2) {
      const targets = random.shuffled(instances).slice(0, random.between(2, 4));
      return { ...common, fanout: { targets, payload } };
    }
    const candidates = random.shuffled(instances).slice(0, random.between(1, 3));
    if (kind < 0.4) {
      const forEach = [0, 1, 2].map((item) => `${id}/${item}`);
      return {
        ...common,
        forEach,
        delegate: { instances: candidates, payload: { ...payload, callId: "${item}" } },
      };
    }
    return { ...common, delegate: { instances: candidates, payload } };
  });
}
