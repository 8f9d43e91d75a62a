import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import * as requests from "../../src/core/requests.ts";
import { validate } from "../../src/core/validate.ts";
import { connect, engineWith } from "./harness.ts";

const INPUTS: Record<string, Parameters<typeof validate>[0]> = {
  health: requests.healthInput,
  delegate: requests.delegateInput,
  fanout: requests.fanoutInput,
  aggregate: requests.aggregateInput,
  orchestrate: requests.orchestrateInput,
  sessions_spawn: requests.sessionsSpawnInput,
  sessions_send: requests.sessionsSendInput,
  sessions_history: requests.sessionsHistoryInput,
  sessions_list: requests.sessionsListInput,
  sessions_close: requests.sessionsCloseInput,
  runs_get: requests.runsGetInput,
  runs_list: requests.runsListInput,
  runs_cancel: requests.runsCancelInput,
};

const client = await connect(engineWith({}));
const { tools } = await client.listTools();

interface Schema extends Record<string, unknown> {
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** A schema and all within it, each with the path to it. */
function* schemasIn(schema: Schema, path: string): Generator<[string, Schema]> {
  yield [path, schema];
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    yield* schemasIn(inner, `${path}.${name}`);
  if (schema.items) yield* schemasIn(schema.items, `${path}[]`);
}

const schemas = tools.flatMap((tool) => [
  ...schemasIn(tool.inputSchema as Schema, `${tool.name} input`),
  ...schemasIn(tool.outputSchema as Schema, `${tool.name} output`),
]);

describe("tools/list", () => {
  it("has exactly the tools of the main job", () => {
    expect(tools.map(({ name }) => name)).toEqual(Object.keys(INPUTS));
  });

  it("costs a model less than 5,000 tokens", () => {
    expect(encode(JSON.stringify({ tools })).length).toBeLessThan(5_000);
  });

  it.each(schemas)("%s has one simple type and no keyword that clients stumble over", (_, schema) => {
    expect(["object", "array", "string", "integer", "number", "boolean"]).toContain(schema.type);
    const keywords = [
      "type",
      "description",
      "enum",
      "items",
      "properties",
      "required",
      "additionalProperties",
    ];
    expect(keywords).toEqual(expect.arrayContaining(Object.keys(schema)));
    if (schema.type === "array") expect(schema.items).toBeDefined();
    if (schema.type === "object") expect(Object.keys(schema.properties ?? {})).not.toEqual([]);
    expect(["undefined", "boolean"]).toContain(typeof schema.additionalProperties);
  });

  it("has no reference, no alternative and no default anywhere", () => {
    expect(JSON.stringify(tools)).not.toMatch(/"(\$ref|\$defs|anyOf|oneOf|allOf|not|default)":/);
  });
});

describe.each(tools)("the tool $name", (tool) => {
  it("is what it was when it was last looked at", async () => {
    await expect(`${JSON.stringify(tool, null, 2)}\n`).toMatchFileSnapshot(`__tools__/${tool.name}.snap`);
  });

  it("takes an object with described arguments, and forbids others only where it takes no others", () => {
    const shown = Object.keys(tool.inputSchema.properties ?? {});
    const { shape } = INPUTS[tool.name] as unknown as { shape: object };
    const takesOthers = Object.keys(shape).some((name) => !shown.includes(name));
    expect(tool.inputSchema).toMatchObject({ type: "object", additionalProperties: takesOthers });
    for (const argument of Object.values(tool.inputSchema.properties as Record<string, Schema>)) {
      expect(argument.description).toMatch(/\w/);
    }
  });

  it("answers with an object of which nothing is required, so that an error fits too", () => {
    expect(tool.outputSchema).toMatchObject({ type: "object", additionalProperties: true });
    expect(tool.outputSchema).not.toHaveProperty("required");
  });

  it("gives all four hints", () => {
    const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = tool.annotations ?? {};
    for (const hint of [readOnlyHint, destructiveHint, idempotentHint, openWorldHint])
      expect(hint).toBeTypeOf("boolean");
    expect(readOnlyHint && destructiveHint).toBe(false);
  });

  it("says when to use it, when not, and names the other tool", () => {
    const { description = "" } = tool;
    expect(description).toMatch(/^\S[^\n]*\.\nUSE WHEN [^\n]*\.\nNOT FOR [^\n]*\.\nEXAMPLE \{.*\}$/);
    const notFor = /NOT FOR (.*)/.exec(description)?.[1] ?? "";
    const others = tools.filter(({ name }) => name !== tool.name && new RegExp(`\\b${name}\\b`).test(notFor));
    expect(others.length).toBeGreaterThan(0);
  });

  it("shows an example that is a valid call", () => {
    const example = JSON.parse(/EXAMPLE (.*)$/.exec(tool.description ?? "")?.[1] ?? "");
    expect(() => validate(INPUTS[tool.name]!, example)).not.toThrow();
    const known = Object.keys(tool.inputSchema.properties ?? {});
    expect(known).toEqual(expect.arrayContaining(Object.keys(example)));
  });
});

describe("the server", () => {
  it("says what it does and how to list the fleet", () => {
    expect(client.getInstructions()).toMatch(/Hands work to a fleet.*\nBegin with health without arguments/);
    expect(client.getServerVersion()).toMatchObject({ name: "orchestrator", version: "1.2.3" });
  });
});
