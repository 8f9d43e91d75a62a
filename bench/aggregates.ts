import { aggregate } from "../src/core/aggregation/aggregate.ts";
import type { InstanceResult } from "../src/core/aggregation/strategy.ts";
import type { Json } from "../src/core/json.ts";
import { writeJson } from "../src/core/json-text.ts";
import { readTask } from "../src/instances/envelope.ts";
import { compare, type Figures } from "./measure.ts";

const REPLIES = 64;
const BYTES = 10_000;
const against = "joining their bytes";

/** What it costs to make one answer of 64 replies, beside making one text of their bytes. */
export async function aggregates(): Promise<Figures[]> {
  const records = joined({
    text: "word ".repeat(BYTES / 10),
    hits: Array.from({ length: BYTES / 80 }, (_, index) => ({ id: `doc-${index}`, score: index / 7 })),
  });
  const texts = joined("A line of what an agent has to say.\n".repeat(BYTES / 37));
  return [
    await compare(
      "collect of 64 replies of 10 kB",
      { raw: records.raw, ours: records.collected },
      { calls: 20, goal: 2, against },
    ),
    await compare(
      "the same, written as JSON",
      { raw: records.raw, ours: records.written },
      { calls: 20, goal: 2, against },
    ),
    await compare(
      "the same, of text",
      { raw: texts.raw, ours: texts.written },
      { calls: 20, goal: 2, against },
    ),
    await compare(
      "collect, written as JSON",
      { raw: records.copied, ours: records.written },
      { calls: 20, against: "copying their bytes" },
    ),
    await compare(
      "collect, read and written",
      { raw: records.raw, ours: records.readAndWritten },
      { calls: 5, against },
    ),
    await compare("rank-fusion of them", { raw: records.raw, ours: records.fused }, { calls: 5, against }),
  ];
}

/** One result from each of 64 instances, and what can be made of them. */
function joined(result: Json) {
  const bytes = Buffer.from(JSON.stringify(result));
  // Each its own, as they come off the wire.
  const results = Array.from({ length: REPLIES }, () => Buffer.from(bytes));
  const bodies = results.map(() => Buffer.from(JSON.stringify({ taskId: "t", reply: "done", result })));
  const answers = read(bodies);
  const write = (all: readonly InstanceResult[]) => Buffer.from(writeJson(aggregate("collect", all).value));
  return {
    raw: async () => Buffer.from(`[${results.map((each) => each.toString()).join(",")}]`),
    // What can be done where nobody looks into what is passed on, and no text is made of it.
    copied: async () => Buffer.concat(results),
    collected: async () => aggregate("collect", answers),
    written: async () => write(answers),
    readAndWritten: async () => write(read(bodies)),
    fused: async () => aggregate("rank-fusion", answers),
  };
}

/** As the instance client reads them. */
function read(bodies: readonly Buffer[]): InstanceResult[] {
  return bodies.map((body, index) => ({
    instance: `n${index + 1}`,
    result: readTask(body.toString())?.result ?? null,
  }));
}
