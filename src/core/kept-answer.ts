/** What an MCP server notes that a call came to which it answered with a task. */
export type KeptAnswer =
  | { [name: string]: unknown; status: "completed"; result: Record<string, unknown> }
  | {
      [name: string]: unknown;
      status: "failed";
      error: { [name: string]: unknown; code: number; message: string };
    }
  | { [name: string]: unknown; status: "cancelled" };
