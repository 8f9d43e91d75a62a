import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { A2A_SCENARIOS } from "./a2a.ts";
import { freePorts, Gateway } from "./gateway.ts";
import { install } from "./install.ts";
import { startModel } from "./model.ts";
import { Product } from "./product.ts";
import { SCENARIOS, upstreamFailure, type World } from "./scenarios.ts";

// The built product against real OpenClaw gateways, whose model is a small server here: see install.ts for
// what it needs. Prints what it saw; ends with 0 only if all of it held. `-- NAME…` runs those whose name
// has one of the words.

const words = process.argv.slice(2);
// Those that kill come last.
const chosen = [...A2A_SCENARIOS, ...SCENARIOS].filter(
  ([what]) => words.length === 0 || words.some((word) => what.includes(word)),
);
const folder = await mkdtemp(join(tmpdir(), "orchestrator-openclaw-"));
const installed = await install();
const model = await startModel();
const [portA = 0, portB = 0] = await freePorts(2);
const a = new Gateway(installed, join(folder, "A"), portA, model);
const b = new Gateway(installed, join(folder, "B"), portB, model, ["ops"]);
const product = new Product(join(folder, "product"));
let failed = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const gateway of [a, b]) gateway.signal("SIGKILL");
    product.signal("SIGTERM");
    process.exit(1);
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function show(what: string, seen: Promise<string>): Promise<void> {
  const startedAt = performance.now();
  try {
    print(`ok    ${what}: ${await seen} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    print(`FAIL  ${what}: ${(error as Error).message}`);
  }
}

try {
  const startedAt = performance.now();
  await Promise.all([a.start(), b.start()]);
  print(
    `two gateways at ${a.url} and ${b.url}, ready in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  await Promise.all([
    product.writeKey("A", a.token),
    product.writeKey("B", b.token),
    product.writeKey("W", "a-wrong-token"),
    product.writeKey("G", a.a2aToken),
    product.writeKey("V", "a-wrong-token"),
  ]);
  await product.configure({
    A: { url: a.url, protocol: "openclaw", apiKeyFile: product.keyFile("A") },
    B: { url: b.url, protocol: "openclaw", apiKeyFile: product.keyFile("B"), agent: "ops" },
    O: { url: a.url, protocol: "openai", model: "openclaw", apiKeyFile: product.keyFile("A") },
    G: { url: a.url, protocol: "a2a", apiKeyFile: product.keyFile("G") },
    V: { url: a.url, protocol: "a2a", apiKeyFile: product.keyFile("V") },
    W: { url: b.url, protocol: "openclaw", apiKeyFile: product.keyFile("W"), agent: "main" },
    // It has several agents, and is not told which.
    N: { url: b.url, protocol: "openclaw", apiKeyFile: product.keyFile("B") },
  });
  const world: World = { a, b, model, product, server: await product.serve() };
  for (const [what, scenario] of chosen) {
    const failedBefore = failed;
    await show(what, scenario(world));
    // What comes next is to begin with two that are well.
    if (failed > failedBefore) {
      await Promise.all([a.kill(), b.kill()]);
      await Promise.all([a.start(), b.start()]);
    }
  }
  if (words.length === 0) await show("a model that fails", upstreamFailure(world));
  await show(
    "the model understood all that the gateways asked",
    Promise.resolve(model.refused.join("; ") || "yes"),
  );
  if (model.refused.length > 0) failed += 1;
} finally {
  await product.stop();
  await Promise.all([a.kill(), b.kill()]);
  await model.close();
  if (failed === 0) await rm(folder, { recursive: true, force: true });
  else print(`what is left of it: ${folder}`);
}
process.exitCode = failed === 0 ? 0 : 1;
