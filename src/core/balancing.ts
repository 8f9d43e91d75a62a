/** How a selector that is used as a pool is put in order. */
export const BALANCING_STRATEGIES = ["ordered", "round-robin", "least-busy"] as const;
export type BalancingStrategy = (typeof BALANCING_STRATEGIES)[number];
