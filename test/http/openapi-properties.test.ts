import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { echoWorker, startHost } from "../host/harness.ts";
import { closedPort } from "../instances/harness.ts";
import type { Reply } from "../support/http.ts";
import { anyJson, taken } from "./support/arbitrary.ts";
import { answerSchema, CALLS, type Call, ends, faultOf, type Parameter } from "./support/document.ts";
import { EXAMPLES } from "./support/endpoints.ts";
import { refusalIn } from "./support/refusal.ts";
import { type Site, startSite } from "./support/site.ts";

/** What an answer may be besides a refusal: an instance that failed, is down, too slow, or a loop. */
const FAILURES = [502, 503, 504, 508];

/** A site with F, whose work fails, and D, where nobody listens. */
async function startFallibleSite(): Promise<Site> {
  const worker = { ...echoWorker(), run: () => Promise.reject(new Error("it cannot be done")) };
  const { origin } = await startHost({ worker });
  return startSite({ fleet: { D: `http://127.0.0.1:${await closedPort()}`, F: origin } });
}

/** What is there, so that calls come to do something. */
function knownTo({ ids }: Site): Record<string, fc.Arbitrary<unknown>> {
  const selectors = fc.constantFrom<unknown>("A", ["A", "B"], "A-F", ["D", "A"], "D", "F", "*", "nobody");
  return {
    instances: selectors,
    targets: selectors,
    instance: fc.constantFrom("A", "B", "D", "F"),
    name: fc.constantFrom("A", "B"),
    runId: fc.constantFrom(ids.runId, ids.runId, "none"),
    sessionId: fc.oneof(fc.constant("s"), fc.constant("s"), fc.stringMatching(/^new\d\d$/)),
    token: fc.constantFrom(ids.token, ids.token, "ost_wrong"),
    timeout: fc.constantFrom<unknown>("10s", 5, "1ms"),
    wait: fc.constantFrom<unknown>(0, "10s", "5ms"),
    stall: fc.constantFrom<unknown>("1s", 0.005),
    idempotencyKey: fc.constantFrom("k1", "k2"),
  };
}

interface Request {
  /** Of the path and the query. */
  parameters: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request by the document: whatever its schemas take, and now and then what surely comes to something. */
function requestOf({ body, parameters, operationId }: Call, site: Site): fc.Arbitrary<Request> {
  const known = knownTo(site);
  const required = (parameter: Parameter) => parameter.required === true;
  const inUrl = parameters.filter((parameter) => parameter.in !== "header");
  const made = (some: readonly Parameter[]) =>
    taken(
      {
        type: "object",
        properties: Object.fromEntries(some.map(({ name, schema }) => [name, schema])),
        required: some.filter(required).map(({ name }) => name),
      },
      known,
    ) as fc.Arbitrary<Record<string, unknown>>;
  return fc.record({
    parameters: fc.oneof(made(inUrl), made(inUrl.filter(required))),
    ...(body && {
      body: fc.oneof({ weight: 3, arbitrary: taken(body, known) }, fc.constant(EXAMPLES[operationId])),
    }),
  });
}

/** The same with something wrong with it, as a rule. */
function mutated(call: Call, site: Site): fc.Arbitrary<Request> {
  const { body, parameters } = call;
  const fields = body ? Object.keys(body.properties as object) : parameters.map(({ name }) => name);
  const field = fc.oneof(fc.constantFrom(...fields, "unknown", "__proto__", "constructor"), fc.string());
  const isPath = (name: string) => parameters.some((each) => each.in === "path" && each.name === name);
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.record({ field, value: anyJson }) },
    fc.record({ field, value: fc.constant(undefined) }),
    fc.record({ all: anyJson }),
    fc.record({
      headers: fc.record({
        "content-type": fc.constantFrom("application/json", "text/plain", "application/json; charset=x"),
        "orchestrator-hops": fc.constantFrom("0", "1", "9", "x"),
        prefer: fc.constantFrom("wait=1", "rubbish"),
      }),
    }),
  );
  return fc.tuple(requestOf(call, site), change).map(([request, made]) => {
    if ("headers" in made) return { ...request, headers: made.headers };
    if ("all" in made) return body ? { ...request, body: made.all } : request;
    const change = Object.fromEntries([[made.field, made.value]]);
    if (body) return { ...request, body: { ...(request.body as object), ...change } };
    const left = made.value === undefined && isPath(made.field);
    return left ? request : { ...request, parameters: { ...request.parameters, ...change } };
  });
}

function send({ call }: Site, { method, path, parameters }: Call, request: Request): Promise<Reply> {
  const inPath = parameters.flatMap((each) => (each.in === "path" ? [each.name] : []));
  const url = inPath.reduce(
    (at, name) => at.replace(`{${name}}`, () => text(request.parameters[name])),
    path,
  );
  const query = Object.entries(request.parameters).flatMap(([name, value]) =>
    inPath.includes(name) || value === undefined
      ? []
      : [value].flat().map((each) => `${text(name)}=${text(each)}`),
  );
  const { body, headers = {} } = request;
  return call("root", method, `${url}?${query.join("&")}`, {
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

function text(value: unknown): string {
  const plain = typeof value === "object" ? JSON.stringify(value) : String(value);
  return encodeURIComponent(plain.toWellFormed());
}

/** That an answer is one that the document describes, and no mistake of ours. */
function check(call: Call, reply: Reply): void {
  const { status, body } = reply;
  if (status >= 400) {
    const { code } = refusalIn(reply);
    expect(code).not.toBe("internal");
    if (status >= 500) expect(FAILURES).toContain(status);
  }
  const schema = answerSchema(call, status);
  if (schema) expect([body, faultOf(schema, body)]).toEqual([body, undefined]);
  else expect([call.operationId, status, body]).toEqual(["runs_events", 200, expect.stringMatching(/^:/)]);
}

/** Whether the document takes a body; `targets` and `instances` stand for each other, and nothing for {}. */
function isTaken({ body: schema }: Call, body: unknown): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body === null;
  const fields: Record<string, unknown> = { ...body };
  const names = Object.keys(schema?.properties as object);
  for (const [one, other] of [
    ["targets", "instances"],
    ["instances", "targets"],
  ] as const) {
    if (!names.includes(one) || !(other in fields) || one in fields) continue;
    fields[one] = fields[other];
    delete fields[other];
  }
  return faultOf(schema ?? {}, JSON.parse(JSON.stringify(fields))) === undefined;
}

describe.each(CALLS.filter(ends).map((call) => [call.operationId, call] as const))("%s", (_, call) => {
  it("answers what is asked by the document as the document says", async () => {
    const site = await startFallibleSite();
    let successes = 0;
    await fc.assert(
      fc.asyncProperty(requestOf(call, site), async (request) => {
        const reply = await send(site, call, request);
        check(call, reply);
        if (reply.status < 300) successes += 1;
      }),
      { numRuns: 60 },
    );
    expect(successes).toBeGreaterThan(0);
  });

  it("answers what is not by the document with a refusal", async () => {
    const site = await startFallibleSite();
    await fc.assert(
      fc.asyncProperty(mutated(call, site), async (request) => {
        const reply = await send(site, call, request);
        check(call, reply);
        if (call.body && !isTaken(call, request.body)) expect(reply.status).toBeGreaterThanOrEqual(400);
      }),
      { numRuns: 120 },
    );
    expect(site.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

it.each(
  CALLS.filter(({ body }) => body).map(
    ({ operationId, method, path }) => [operationId, method, path] as const,
  ),
)("%s answers any bytes with a refusal", async (_, method, path) => {
  const site = await startFallibleSite();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (body) => {
      const reply = await site.call("root", method, path, { body });
      expect([reply.status, refusalIn(reply).code]).toEqual([400, "bad_request"]);
    }),
    { numRuns: 40 },
  );
});
