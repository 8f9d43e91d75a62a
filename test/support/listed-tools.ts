import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { Launch } from "./client-snippets.ts";

/** The names of the tools of a server that is started so; it has ended then. */
export async function listedTools(launch: Launch & { cwd?: string }): Promise<string[]> {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(new StdioClientTransport({ ...launch, stderr: "pipe" }));
  try {
    return (await client.listTools()).tools.map(({ name }) => name);
  } finally {
    await client.close();
  }
}
