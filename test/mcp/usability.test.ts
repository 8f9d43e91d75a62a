import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { TOOLS } from "../../src/mcp/tools/index.ts";

// Whether a model that calls carelessly is understood, without a model: each tool is called as its schema asks,
// and in each way in which callers get a type wrong; the engine must be given the same.

interface Property {
  type: string;
  enum?: string[];
  properties?: Record<string, Property>;
}

/** What an argument is given as its schema asks, where its type does not say enough. */
const VALUES: Record<string, unknown> = {
  timeout: "10s",
  wait: "20s",
  stall: "5s",
  instances: ["A", "B"],
  targets: ["A", "B"],
  payloads: { A: { message: "one" }, B: { q: 2 } },
  aggregate: { strategy: "top", limit: 3, path: "score" },
  responses: [{ instance: "A", result: { n: 1 } }],
  runIds: ["run-1", "run-2"],
  steps: [{ id: "one", delegate: { instances: ["A"], payload: { q: 1 } } }],
  inputs: { name: "x" },
  budget: { maxCalls: 3 },
};

/** Arguments that cannot be given with the example's. */
const INSTEAD: Record<string, Record<string, unknown>> = {
  "aggregate.responses": { runId: undefined },
  "aggregate.runIds": { runId: undefined },
  "aggregate.path": { strategy: "top" },
  "aggregate.key": { strategy: "unique" },
  "aggregate.limit": { strategy: "unique" },
  "aggregate.separator": { strategy: "concat" },
  "aggregate.normalize": { strategy: "majority" },
  "aggregate.quorum": { strategy: "quorum" },
  "aggregate.order": { strategy: "top", path: "score" },
  "aggregate.instance": { strategy: "reduce", instruction: "Sum up." },
  "aggregate.instruction": { strategy: "reduce", instance: "C" },
  "aggregate.wait": { strategy: "reduce", instance: "C", instruction: "Sum up." },
};

/** Arguments of which nearly everything is some value. */
const TAKES_ANY = new Set(["output", "inputs", "steps", "payloads"]);

function sampleOf(name: string, { type, enum: words }: Property): unknown {
  if (name in VALUES) return VALUES[name];
  if (words) return words[0];
  return { integer: 3, number: 0.5, boolean: true, string: "text", array: ["A"], object: { message: "hi" } }[
    type
  ];
}

/** The same value as careless callers send it, where its meaning is plain. */
function careless(name: string, value: unknown, { type }: Property): [string, unknown][] {
  const asJson: [string, unknown] = ["as JSON text", JSON.stringify(value)];
  if (type === "array")
    return typeof (value as unknown[])[0] === "string" ? [asJson, ["with commas", value]] : [asJson];
  if (type === "object") return [asJson];
  if (type === "integer" || type === "number")
    return [
      ["as text", String(value)],
      ["as text with blanks", ` ${value} `],
    ];
  if (type === "boolean")
    return [
      ["as text", String(value)],
      ["as text in capitals", String(value).toUpperCase()],
    ];
  return ["timeout", "wait", "stall"].includes(name)
    ? [
        ["as seconds", Number.parseInt(String(value), 10)],
        ["as bare text", String(Number.parseInt(String(value), 10))],
      ]
    : [];
}

/** What the engine is given; the call goes no further. */
async function given(tool: (typeof TOOLS)[number], args: Record<string, unknown>): Promise<unknown> {
  const calls: unknown[] = [];
  const engine = new Proxy({} as Engine, {
    get: () => (input: unknown) => {
      calls.push(input);
      return Promise.reject(new OrchestratorError("cancelled", "far enough"));
    },
  });
  const answered = tool.prepare(args).answer(engine, { createdBy: "test" });
  await answered.catch((error: unknown) => {
    if (!(error instanceof OrchestratorError) || error.code !== "cancelled") throw error;
  });
  return calls[0];
}

const cases = TOOLS.flatMap((tool) => {
  const example = JSON.parse(/EXAMPLE (.*)$/.exec(tool.advertised.description ?? "")?.[1] ?? "{}");
  const properties = Object.entries(
    (tool.advertised.inputSchema.properties ?? {}) as unknown as Record<string, Property>,
  );
  return properties.map(([name, property]) => {
    const value = example[name] ?? sampleOf(name, property);
    const rest = { ...example, ...INSTEAD[`${tool.name}.${name}`] };
    return { at: `${tool.name}.${name}`, tool, name, property, value, rest };
  });
});

describe.each(cases)("$at", ({ tool, name, property, value, rest }) => {
  it("is taken as it is advertised", async () => {
    expect(await given(tool, { ...rest, [name]: value })).toBeDefined();
  });

  it.each(careless(name, value, property))("means the same %s", async (_, sent) => {
    expect(await given(tool, { ...rest, [name]: sent })).toEqual(
      await given(tool, { ...rest, [name]: value }),
    );
  });

  it("means nothing where it is null", async () => {
    const required = (tool.advertised.inputSchema.required ?? []) as string[];
    if (required.includes(name) || property.properties?.message) return;
    const { [name]: _, ...without } = rest;
    const outcome = (args: Record<string, unknown>) =>
      given(tool, args).catch((error: Error) => error.message);
    expect(await outcome({ ...without, [name]: null })).toEqual(await outcome(without));
  });

  it("is named, beside a valid call, where it is nonsense", async () => {
    const nonsense =
      property.type === "string" || property.properties ? { no: { such: "thing" } } : { no: "sense" };
    if (property.properties?.message || TAKES_ANY.has(name)) return;
    const error = await given(tool, { ...rest, [name]: nonsense }).then(
      () => undefined,
      (thrown: OrchestratorError) => thrown,
    );
    expect(error?.message).toMatch(new RegExp(`\\b${name}\\b`));
    const shown = /A valid call: (\w+) (\{.*\})$/.exec(error?.action ?? "");
    expect(shown?.[1]).toBe(tool.name);
    expect(await given(tool, JSON.parse(shown?.[2] ?? ""))).toBeDefined();
  });

  it("is described, or named in what the tool says", () => {
    const { description = "" } = property as { description?: string };
    expect(description.length).toBeGreaterThan(8);
  });
});

describe("names that are nearly right", () => {
  it.each([
    ["fanout", { target: ["A"], payload: "x" }, "targets"],
    ["delegate", { instance: ["A"] }, "instances"],
    ["runs_get", { run_id: "r" }, "runId"],
    ["sessions_send", { session_id: "s" }, "sessionId"],
  ])("of %s %j are answered with the right one", async (name, args, right) => {
    const tool = TOOLS.find((each) => each.name === name);
    if (!tool) throw new Error(name);
    const error = await given(tool, args).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).toContain(`did you mean ${right}?`);
  });
});
