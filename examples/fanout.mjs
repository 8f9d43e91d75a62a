// Asks the whole fleet one thing and prints the answers, at a running `orchestrator serve` or `orchestrator up`:
//   node examples/fanout.mjs '{"query":"retry"}' http://127.0.0.1:7411
// or with the engine in this process, over the fleet of your configuration:
//   node examples/fanout.mjs '{"query":"retry"}'
import { createOrchestrator, OrchestratorClient } from "orchestrator-mcp";

const [payload = "null", url] = process.argv.slice(2);
const apiKey = process.env.ORCHESTRATOR_API_KEY;
const orchestrator = url ? new OrchestratorClient({ url, apiKey }) : createOrchestrator();

const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());

try {
  const { runId, outcomes, aggregate, counts } = await orchestrator.fanout(
    { targets: "*", payload: JSON.parse(payload), aggregate: true, timeout: "1m", wait: "1m" },
    {
      signal: interrupt.signal,
      onProgress: ({ instance, reply, ended, total }) =>
        console.error(`${ended}/${total} ${instance}: ${reply}`),
    },
  );
  // Each instance is accounted for, also one that has no answer.
  for (const { instance, reply, delivery, error } of outcomes) {
    if (reply !== "done") console.error(`${instance}: ${reply} (${delivery}) ${error?.message ?? ""}`);
  }
  process.stdout.write(`${JSON.stringify({ runId, answers: aggregate?.value ?? null }, null, 2)}\n`);
  process.exitCode = counts.done === counts.total ? 0 : 3;
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message} ${error.action ?? ""}`);
  process.exitCode = 1;
} finally {
  await orchestrator.close();
}
