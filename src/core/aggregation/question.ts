import type { Json } from "../json.ts";

/** What was asked, as far as that is known. */
export interface Question {
  /** The payload that all were sent. */
  question?: Json;
  /** Those of instances that were sent one of their own. */
  questions?: Record<string, Json>;
}
