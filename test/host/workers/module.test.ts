import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { Cancellation } from "../../../src/core/cancellation.ts";
import { OrchestratorError } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/json.ts";
import type { Worker, WorkerTask } from "../../../src/host/worker.ts";
import { createModuleWorker } from "../../../src/host/workers/module.ts";
import { folderOf } from "./folder.ts";

async function worker(source: string, name = "worker.mjs"): Promise<Worker> {
  return createModuleWorker({ path: join(await folderOf({ [name]: source }), name) });
}

const reply = (made: Worker, payload: Json = {}, more: Partial<WorkerTask> = {}) =>
  made.run({ key: "k", hops: 0, payload, cancellation: new Cancellation(), ...more });

const run = async (made: Worker, payload?: Json) => (await reply(made, payload)).result;

describe("a module", () => {
  it.each([
    ["a default function", "worker.mjs", "export default (payload) => ({ got: payload })"],
    ["an async function", "worker.mjs", "export default async (payload) => ({ got: payload })"],
    ["a default object", "worker.mjs", "export default { handle: (payload) => ({ got: payload }) }"],
    ["named exports", "worker.mjs", "export function handle(payload) { return { got: payload } }"],
    ["a CommonJS function", "worker.cjs", "module.exports = (payload) => ({ got: payload })"],
    [
      "an object with state of its own",
      "worker.mjs",
      "export default new (class { key = 'got'; handle(p) { return { [this.key]: p } } })()",
    ],
  ])("may export %s", async (_, name, source) => {
    expect(await run(await worker(source, name), [1, "a"])).toEqual({ got: [1, "a"] });
  });

  it("describes itself, or is described", async () => {
    const description = { does: "Adds.", payload: "Two numbers.", example: { a: 1, b: 2 } };
    const described = await worker(
      `export default { describe: () => (${JSON.stringify(description)}), handle: ({ a, b }) => a + b }`,
    );
    expect(described.description).toEqual(description);
    expect(await run(described, description.example)).toBe(3);
    expect((await worker("export default () => 1")).description.payload).toEqual(expect.any(String));
  });

  it.each([
    ["nothing", "export {}"],
    ["no function", "export default 7"],
    ["null", "export default null"],
    ["another name", "export const handler = () => 1"],
    ["a handle that is no function", "export default { handle: 1 }"],
    ["a describe that is no function", "export default { handle() {}, describe: 'text' }"],
  ])("that exports %s is refused by name, with what was expected", async (_, source) => {
    await expect(worker(source)).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringMatching(/worker\.mjs" exports no handler/),
      action: expect.stringContaining("(payload, context) => result"),
    });
  });

  it.each(["undefined", "null", "{ does: 1, payload: 'x' }", "'text'"])(
    "whose describe returns %s is refused by name",
    async (returned) => {
      await expect(
        worker(`export default { handle() {}, describe: () => (${returned}) }`),
      ).rejects.toMatchObject({ code: "bad_request", message: expect.stringContaining("worker.mjs") });
    },
  );

  it.each([
    ["has a mistake", "export default (", /worker\.mjs/],
    ["throws", "throw new Error('no licence')", /no licence/],
    ["imports what is not there", "import 'no-such-package-anywhere'", /no-such-package-anywhere/],
  ])("that %s cannot be imported, and the reason is told", async (_, source, reason) => {
    await expect(worker(source)).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringMatching(reason),
    });
  });

  it("that does not exist is refused by name", async () => {
    const path = join(await folderOf(), "none.mjs");
    await expect(createModuleWorker({ path })).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining(path),
    });
  });
});

describe("the result of a handler", () => {
  it.each<[string, Json]>([
    ["undefined", null],
    ["{ a: undefined, b: [undefined] }", { b: [null] }],
    ["new Date(0)", "1970-01-01T00:00:00.000Z"],
    ["'text'", "text"],
  ])("%s is %j", async (source, result) => {
    expect(await run(await worker(`export default () => (${source})`))).toEqual(result);
  });

  it.each([
    ["10n", "a BigInt"],
    ["{ deep: { n: 10n } }", '"n" is a BigInt'],
    ["() => 1", "a function"],
    ["{ f() {} }", '"f" is a function'],
    ["Symbol('x')", "a symbol"],
    ["[1, NaN]", '"1" is NaN'],
    ["{ n: Infinity }", '"n" is Infinity'],
    ["(() => { const o = {}; o.o = o; return o; })()", "circular"],
  ])("%s is a failure that says why", async (source, reason) => {
    await expect(run(await worker(`export default () => (${source})`))).rejects.toMatchObject({
      code: "instance_error",
      message: expect.stringContaining(reason),
    });
  });
});

describe("a handler that fails", () => {
  it.each([
    ["throws", "() => { throw new Error('disk full') }", "disk full"],
    ["rejects", "async () => { throw new Error('disk full') }", "disk full"],
    ["throws what is no error", "() => { throw 'disk full' }", "disk full"],
  ])("because it %s is an instance_error with its words", async (_, source, words) => {
    await expect(run(await worker(`export default ${source}`))).rejects.toMatchObject({
      code: "instance_error",
      message: `The handler failed: ${words}`,
      retryable: false,
    });
  });
});

describe("cancelling a handler", () => {
  it("aborts its signal and is the task's end", async () => {
    const made = await worker(
      `export default (_, { signal }) => new Promise((_, reject) => {
         signal.addEventListener("abort", () => reject(new Error("stopped: " + signal.reason.message)));
       })`,
    );
    const cancellation = new Cancellation();
    const ended = reply(made, {}, { cancellation });
    cancellation.cancel(new OrchestratorError("cancelled", "Nobody waits."));
    await expect(ended).rejects.toMatchObject({ code: "cancelled", message: "Nobody waits." });
  });

  it("ends the task soon even when the handler goes on", async () => {
    const made = await worker("export default () => new Promise(() => {})");
    const cancellation = new Cancellation();
    const ended = reply(made, {}, { cancellation });
    cancellation.cancel();
    await expect(ended).rejects.toMatchObject({ code: "cancelled" });
  });

  it("keeps the result of a handler that finishes all the same", async () => {
    const made = await worker(
      `export default (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("done")))`,
    );
    const cancellation = new Cancellation();
    const ended = reply(made, {}, { cancellation });
    cancellation.cancel();
    expect(await ended).toEqual({ result: "done" });
  });

  it("beforehand keeps it from being called", async () => {
    const called = vi.fn();
    vi.stubGlobal("handlerWasCalled", called);
    const made = await worker("export default () => { globalThis.handlerWasCalled() }");
    const cancellation = new Cancellation();
    cancellation.cancel();
    await expect(reply(made, {}, { cancellation })).rejects.toMatchObject({ code: "cancelled" });
    expect(called).not.toHaveBeenCalled();
    await run(made);
    expect(called).toHaveBeenCalledOnce();
    vi.unstubAllGlobals();
  });
});

describe("a handler in a session", () => {
  const COUNTER = `export default (data, { session, setState }) => {
    const next = (session.state?.count ?? 0) + data;
    setState({ count: next });
    return { id: session.id, count: next, before: session.history.length };
  }`;

  it("reads and keeps the session's state", async () => {
    const made = await worker(COUNTER);
    const first = await reply(made, 2, { session: { id: "s", state: undefined, history: [] } });
    expect(first).toEqual({ result: { id: "s", count: 2, before: 0 }, state: { count: 2 } });
    const history = [{ data: 2, result: first.result }];
    const second = await reply(made, 3, { session: { id: "s", state: first.state, history } });
    expect(second).toEqual({ result: { id: "s", count: 5, before: 1 }, state: { count: 5 } });
  });

  it("keeps nothing when it sets nothing", async () => {
    const made = await worker("export default () => 1");
    const session = { id: "s", state: { kept: true }, history: [] };
    expect(await reply(made, 1, { session })).toEqual({ result: 1 });
  });

  it("cannot change what the host holds by changing what it was given", async () => {
    const made = await worker(
      "export default (_, { session }) => { session.state.list.push(2); session.history.pop(); throw new Error('x') }",
    );
    const session = { id: "s", state: { list: [1] }, history: [{ data: 1, result: 1 }] };
    await expect(reply(made, 1, { session })).rejects.toMatchObject({
      message: expect.stringContaining("x"),
    });
    expect(session).toEqual({ id: "s", state: { list: [1] }, history: [{ data: 1, result: 1 }] });
  });

  it("is told when the state is no JSON, and when there is no session to keep it for", async () => {
    const made = await worker("export default (_, { setState }) => setState({ n: 1n })");
    await expect(
      reply(made, 1, { session: { id: "s", state: undefined, history: [] } }),
    ).rejects.toMatchObject({
      code: "instance_error",
      message: expect.stringContaining('the state is no JSON: "n" is a BigInt'),
    });
    await expect(reply(made, 1)).rejects.toMatchObject({ message: expect.stringContaining("no session") });
  });
});
