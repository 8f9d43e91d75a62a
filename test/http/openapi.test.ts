import { describe, expect, it } from "vitest";
import { hasBody } from "../../src/http/operation.ts";
import { OPERATIONS } from "../../src/http/operations.ts";
import { answerSchema, CALLS, ends, faultOf, OPENAPI, type Schema } from "./support/document.ts";
import { refusalIn } from "./support/refusal.ts";
import { startSite } from "./support/site.ts";

/** Every object within a value, itself included. */
function* within(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* within(inner);
}

describe("the OpenAPI document", () => {
  it("is of version 3.1, and is what the server shows to anybody", async () => {
    const { call } = await startSite();
    expect(OPENAPI.openapi).toMatch(/^3\.1\.\d+$/);
    expect(OPENAPI.info).toEqual({
      title: expect.any(String),
      version: "0.0.0",
      description: expect.any(String),
    });
    expect((await call("", "GET", "/openapi.json")).body).toEqual(JSON.parse(JSON.stringify(OPENAPI)));
  });

  it("has every call of the API, each by a name of its own", () => {
    const names = CALLS.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names.sort()).toEqual([...OPERATIONS.map(({ name }) => name), "runs_events", "changes"].sort());
  });

  it("refers only to what is in it", () => {
    const refs = [...within(OPENAPI)].flatMap(({ $ref }) => (typeof $ref === "string" ? [$ref] : []));
    expect(refs).not.toEqual([]);
    for (const ref of refs) {
      const [root, ...steps] = ref.split("/");
      const found = steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], OPENAPI);
      expect([ref, root, typeof found]).toEqual([ref, "#", "object"]);
    }
  });

  it("says of each path what stands in it, and names no parameter twice", () => {
    for (const { path, parameters, operationId } of CALLS) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const named = parameters.filter((parameter) => parameter.in === "path");
      expect([operationId, named.map(({ name }) => name)]).toEqual([operationId, inPath]);
      expect(named.every(({ required }) => required)).toBe(true);
      const all = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect([operationId, new Set(all).size]).toEqual([operationId, all.length]);
      for (const parameter of parameters) expect(parameter.in).toMatch(/^(path|query|header)$/);
    }
  });

  it("has a body for each POST and PUT and for nothing else, and an answer and an error for each call", () => {
    for (const call of CALLS) {
      const { method, body, responses, operationId } = call;
      expect([operationId, body?.type]).toEqual([operationId, hasBody({ method }) ? "object" : undefined]);
      const statuses = Object.keys(responses);
      expect([operationId, statuses]).toEqual([operationId, expect.arrayContaining(["default"])]);
      expect(statuses.some((status) => /^20\d$/.test(status))).toBe(true);
      expect(answerSchema(call, 418)).toEqual(OPENAPI.components.schemas.Error);
    }
  });

  it("has schemas that a validator takes, without a word that is no keyword", () => {
    const schemas = CALLS.flatMap((call) => [
      ...(call.body ? [call.body] : []),
      ...call.parameters.map(({ schema }) => schema),
      ...Object.keys(call.responses).flatMap((status) => answerSchema(call, Number(status)) ?? []),
      ...Object.values(OPENAPI.components.schemas),
    ]);
    for (const schema of schemas as Schema[]) expect(() => faultOf(schema, null)).not.toThrow();
  });

  it("leads to calls that the server answers", async () => {
    const { call } = await startSite();
    for (const { method, path } of CALLS.filter(ends)) {
      const reply = await call("root", method, path.replace(/\{\w+\}/, "none"), {
        ...(hasBody({ method }) && { body: {} }),
      });
      if (reply.status >= 400) expect(refusalIn(reply).message).not.toContain("Nothing answers");
    }
  });
});
