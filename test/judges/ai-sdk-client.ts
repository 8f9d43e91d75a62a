import { pathToFileURL } from "node:url";
import type { Reach, Transport } from "./fleet.ts";

// Run by a newer Node than ours, which @ai-sdk/mcp asks for: lists the tools of a server, calls some, and prints both.

/** What it is told, as its one argument. */
export interface AiSdkTask {
  /** Files of the library. */
  library: string;
  stdio: string;
  reach: Reach;
  transport: Transport;
  calls: readonly (readonly [name: string, args: object])[];
}

const task: AiSdkTask = JSON.parse(process.argv[2] ?? "");
const { url, command, args, env } = task.reach;
const { createMCPClient } = await import(pathToFileURL(task.library).href);
const { Experimental_StdioMCPTransport: Stdio } = await import(pathToFileURL(task.stdio).href);
const transport = task.transport === "HTTP" ? { type: "http", url } : new Stdio({ command, args, env });
const client = await createMCPClient({ transport });
try {
  // As a model's program has them: functions, made from what the server lists.
  const tools = await client.tools();
  const answers = [];
  for (const [name, input] of task.calls)
    answers.push(await tools[name].execute(input, { toolCallId: name, messages: [] }));
  process.stdout.write(JSON.stringify({ tools: Object.keys(tools), answers }));
} finally {
  await client.close();
}
