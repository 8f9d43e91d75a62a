import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { planSchema } from "../../../scripts/generate/plan-schema.ts";
import { orchestrateInput } from "../../../src/core/requests.ts";
import { ask, BAD_PLANS, good } from "./bad-plans.ts";
import { type PlanInput, planEngine } from "./harness.ts";

// Plans that are kept as files, and the schema that editors read. That they work: test/e2e/plans.test.ts.

const FOLDER = fileURLToPath(new URL("../../../skill/references/", import.meta.url));
const schema = readFileSync(`${FOLDER}plan.schema.json`, "utf8");
const ajv = new Ajv2020({ allErrors: true, strictTypes: false });
const isPlan = ajv.compile(JSON.parse(schema));
const plans = readdirSync(`${FOLDER}plans`).map((name) => ({
  name,
  plan: JSON.parse(readFileSync(`${FOLDER}plans/${name}`, "utf8")) as PlanInput,
}));

const errorsIn = (plan: unknown) =>
  isPlan(plan) ? [] : (isPlan.errors ?? []).map((error) => error.instancePath);
const fleet = Object.fromEntries(
  [..."ABCDEFGH"].map((name) => [name, { url: "http://127.0.0.1:1", tags: ["reader"] }]),
);

describe("the schema of plans", () => {
  it("is the one that the code has", () => {
    expect(planSchema()).toBe(schema);
  });

  it("is understood by editors: a valid schema, with a description of each field of a call", () => {
    expect(ajv.validateSchema(JSON.parse(schema))).toBe(true);
    const { delegate, fanout } = JSON.parse(schema).$defs.step.properties;
    for (const call of [delegate, fanout])
      for (const field of Object.values<{ description?: string }>(call.properties))
        expect(field.description).toMatch(/\w/);
  });

  it("takes references wherever values may stand", () => {
    const aggregate = { strategy: "${inputs.how}", limit: "${inputs.most}" };
    const fanout = {
      targets: "${inputs.who}",
      concurrency: "${inputs.n}",
      minReplies: "${inputs.n}",
      aggregate,
    };
    expect(errorsIn({ steps: [{ id: "a", fanout }] })).toEqual([]);
    expect(errorsIn({ steps: [{ id: "a", fanout: { ...fanout, concurrency: "many" } }] })).toContain(
      "/steps/0/fanout/concurrency",
    );
  });

  it.each([
    ["a step that does nothing", { steps: [{ id: "a" }] }],
    ["a step that does two things", { steps: [{ id: "a", delegate: ask, fanout: {} }] }],
    ["no steps", { steps: [] }],
    ["a field that no plan has", { steps: [good], outputs: 1 }],
    ["what belongs to a call and not to a file", { steps: [good], resume: "run-1" }],
  ])("refuses %s", (_, plan) => {
    expect(isPlan(plan)).toBe(false);
  });

  // What stands in a plan by itself; who needs whom and who is known is beyond a schema.
  it.each([
    "an id that no path can name",
    "a field that no step has",
    "a field that no call has",
    "a call's timeout and key, which the plan gives",
    "values that an option cannot have",
    "an onError that is none",
    "a session call that is none",
    "a session without its name",
  ])("refuses %s, as the check does", (kind) => {
    expect(isPlan(BAD_PLANS[kind]?.[0])).toBe(false);
  });
});

describe.each(plans)("the plan $name", ({ plan }) => {
  it("names the schema, and is as it says", () => {
    expect(plan.$schema).toBe("../plan.schema.json");
    expect(errorsIn(plan)).toEqual([]);
    expect(orchestrateInput.safeParse(plan).error?.issues ?? []).toEqual([]);
    expect(plan.description).toMatch(/^[A-Z].*\.$/);
  });

  it("passes the check", async () => {
    expect(await planEngine({ fleet }).dryOrchestrate(plan)).toMatchObject({ dryRun: true });
  });
});

it("there are three", () => {
  expect(plans.map(({ name }) => name)).toEqual([
    "divide-a-list.json",
    "search-read-summarise.json",
    "second-opinion.json",
  ]);
});
