export const RULES = ["twice", "lost", "untrue", "open", "broken"] as const;

export interface Violation {
  /** Executed twice; a run lost; an outcome or answer against the ledger; without an end; a process failed. */
  rule: (typeof RULES)[number];
  text: string;
}

/** Notes a violation. */
export type Find = (rule: Violation["rule"], text: string) => void;
