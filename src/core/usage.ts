/** What a piece of work has used, as far as whoever did it says so: tokens, and US dollars. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  costUsd?: number;
}
