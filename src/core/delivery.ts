/** What is known about the request having reached the instance. */
export const DELIVERIES = ["not_sent", "unknown", "accepted"] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** What is known about the answer. */
export const REPLIES = ["none", "pending", "done", "failed", "cancelled"] as const;
export type Reply = (typeof REPLIES)[number];

const RANK: Record<Delivery, number> = { not_sent: 0, unknown: 1, accepted: 2 };

/** The stronger of two facts about one delivery: what is known never goes down again. */
export function strongerDelivery(a: Delivery, b: Delivery): Delivery {
  return RANK[a] >= RANK[b] ? a : b;
}

/** True once nothing more will be heard: every reply but `pending`, and `none` once it is not awaited. */
export function hasReply(reply: Reply): boolean {
  return reply === "done" || reply === "failed" || reply === "cancelled";
}
