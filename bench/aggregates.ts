import { aggregate } from "../src/core/aggregation/aggregate.ts";
import type { InstanceResult } from "../src/core/aggregation/strategy.ts";
import type { Json } from "../src/core/json.ts";
import { compare, type Figures } from "./measure.ts";

const REPLIES = 64;
const BYTES = 10_000;
const against = "joining their bytes";

/** What it costs to make one answer of 64 replies, beside making one text of their bytes. */
export async function aggregates(): Promise<Figures[]> {
  const reply = {
    text: "word ".repeat(BYTES / 10),
    hits: Array.from({ length: BYTES / 80 }, (_, index) => ({ id: `doc-${index}`, score: index / 7 })),
  };
  const bodies = Array.from({ length: REPLIES }, () => Buffer.from(JSON.stringify(reply)));
  const results: InstanceResult[] = bodies.map((body, index) => ({
    instance: `n${index + 1}`,
    result: JSON.parse(body.toString()) as Json,
  }));
  const raw = async () => Buffer.from(`[${bodies.map((body) => body.toString()).join(",")}]`);
  const collected = async () => aggregate("collect", results);
  const encoded = async () => Buffer.from(JSON.stringify((await collected()).value));
  const fused = async () => aggregate("rank-fusion", results);
  return [
    await compare(
      "collect of 64 replies of 10 kB",
      { raw, ours: collected },
      { calls: 20, goal: 2, against },
    ),
    await compare("the same, written as JSON", { raw, ours: encoded }, { calls: 20, goal: 2, against }),
    await compare("rank-fusion of them", { raw, ours: fused }, { calls: 5, against }),
  ];
}
