/** How an instance is spoken to. */
export const PROTOCOLS = ["rest", "openclaw", "a2a", "openai"] as const;
export type Protocol = (typeof PROTOCOLS)[number];
