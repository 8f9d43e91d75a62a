/** What the MCP server puts into the answers that models read. */
export interface McpSettings {
  /** Tokens of all results in one answer together. A token is taken for four characters. */
  resultTokens: number;
  /** Tokens of any one instance's result. */
  instanceTokens: number;
  /** Whether an answer links to the results that it had to cut. */
  resourceLinks: boolean;
}

export const DEFAULT_MCP_SETTINGS: McpSettings = {
  resultTokens: 8_000,
  instanceTokens: 5_000,
  resourceLinks: true,
};

/** No answer comes near the 10 MiB at which clients give up a connection. */
export const MOST_RESULT_TOKENS = 100_000;
