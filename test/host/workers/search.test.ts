import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/core/cancellation.ts";
import type { Json } from "../../../src/core/json.ts";
import type { WorkerTurn } from "../../../src/host/worker.ts";
import { createSearchWorker, type SearchOptions } from "../../../src/host/workers/search.ts";
import { recordingLogger } from "../../support/logger.ts";
import { folderOf } from "./folder.ts";

const FILES = {
  "retry.md": "# Retry\nTry again with backoff after a timeout.\n# Budget\nA budget limits retries.",
  "time.md": "# Timeouts\nEach call has a timeout.\n# Clocks\nWall clocks go back.",
  "notes.txt": "backoff, backoff, backoff",
};

interface Result {
  query: string;
  total: number;
  hits: { id: string; title: string; path: string; score: number; snippet: string }[];
}

async function searcher(files: Record<string, string> = FILES, more: Partial<SearchOptions> = {}) {
  const logger = recordingLogger();
  const root = await folderOf(files);
  const worker = await createSearchWorker({ root, explicitRoot: false, logger, ...more });
  let state: Json | undefined;
  const send = async (
    payload: Json,
    session?: { id: string; state: Json | undefined; history?: WorkerTurn[] },
  ) => {
    const task = { key: "k", hops: 0, payload, cancellation: new Cancellation() };
    const reply = await worker.run(session ? { ...task, session: { history: [], ...session } } : task);
    return { ...reply, result: reply.result as unknown as Result };
  };
  /** Sends a message of one session, which keeps what the host would keep. */
  const say = async (payload: Json) => {
    const reply = await send(payload, { id: "s", state });
    if (reply.state !== undefined) state = reply.state;
    return reply.result;
  };
  const search = async (payload: Json) => (await send(payload)).result;
  return { worker, logger, send, search, say };
}

const ids = (result: Result) => result.hits.map(({ id }) => id).sort();

describe("a search", () => {
  it("answers with the best sections, their titles, paths, scores and snippets", async () => {
    const { search } = await searcher();
    const result = await search({ query: "timeout" });
    expect(result).toEqual({
      query: "timeout",
      total: 2,
      hits: [
        {
          id: "time.md#timeouts",
          title: "Timeouts",
          path: "time.md",
          score: expect.any(Number),
          snippet: "Each call has a timeout.",
        },
        {
          id: "retry.md#retry",
          title: "Retry",
          path: "retry.md",
          score: expect.any(Number),
          snippet: "Try again with backoff after a timeout.",
        },
      ],
    });
    expect(result.hits[0]?.score).toBeGreaterThan(result.hits[1]?.score as number);
  });

  it("finds longer forms of a word, but not of one or two letters", async () => {
    const { search } = await searcher();
    expect(ids(await search("retr"))).toEqual(["retry.md#budget", "retry.md#retry"]);
    expect((await search("re")).total).toBe(0);
  });

  it.each<[string, Json]>([
    ["a plain string", "backoff"],
    ["a message", { message: "backoff" }],
    ["a list", [1, "backoff", null]],
    ["nested values", { a: { b: ["backoff"] }, n: 4 }],
    ["a query that is no text", { query: { words: ["backoff"] } }],
  ])("takes %s as its query", async (_, payload) => {
    const { search } = await searcher();
    const result = await search(payload);
    expect(result.query).toBe("backoff");
    expect(ids(result)).toEqual(["notes.txt#1", "retry.md#retry"]);
  });

  it("joins all text values of any JSON in their order, however deep", async () => {
    const { search } = await searcher();
    expect((await search({ a: "one", b: ["two", { c: "three" }], d: "four" })).query).toBe(
      "one two three four",
    );
    let deep: Json = "backoff";
    for (let n = 0; n < 50_000; n++) deep = [deep];
    expect((await search(deep)).total).toBe(2);
  });

  it("shows ten hits unless told otherwise, and always the total", async () => {
    const { search } = await searcher({ "many.md": "# word\n".repeat(150) });
    expect((await search("word")).hits).toHaveLength(10);
    expect((await search({ query: "word", limit: 100 })).hits).toHaveLength(100);
    const three = await search({ query: "word", limit: 3 });
    expect([three.hits.length, three.total]).toEqual([3, 150]);
  });

  it.each([0, 101, 2.5, "5", null])("refuses the limit %j by name", async (limit) => {
    const { search } = await searcher();
    await expect(search({ query: "backoff", limit })).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining('"limit"'),
    });
  });

  it.each<[Json]>([[""], [" ,;! "], [{}], [[]], [7], [true], [{ query: "" }], [{ data: [1, 2] }]])(
    "refuses %j, in which there is no word, and names the field",
    async (payload) => {
      const { search } = await searcher();
      await expect(search(payload)).rejects.toMatchObject({
        code: "bad_request",
        message: expect.stringContaining('"query"'),
      });
    },
  );

  it("looks for the first 64 words of a long query", async () => {
    const { search } = await searcher();
    const filler = "zzz ".repeat(63);
    expect((await search(`${filler}backoff more`)).total).toBe(2);
    expect((await search(`${filler}zzz backoff`)).total).toBe(0);
    expect((await search(`${filler}backoff more`)).query).toBe(`${filler}backoff`);
  });

  it("shows the passage around the word, cut at words", async () => {
    const text = `${"before ".repeat(100)}needle ${"after ".repeat(100)}`;
    const { search } = await searcher({ "long.md": text });
    const snippet = (await search("needle")).hits[0]?.snippet as string;
    expect(snippet).toMatch(/^…(before )+needle (after )+\w*…$/);
    expect(snippet.length).toBeLessThan(250);
  });

  it("finds every document in exactly one of its shares", async () => {
    const files = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`${n}.md`, `# Doc ${n}\nword`]));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), async (of) => {
        const found: string[] = [];
        for (let index = 0; index < of; index++) {
          const { search } = await searcher(files, { share: { index, of } });
          found.push(...ids(await search("word")));
        }
        expect(found.sort()).toEqual(Array.from({ length: 9 }, (_, n) => `${n}.md#doc-${n}`));
      }),
      { numRuns: 4 },
    );
  });

  it("stops before it begins when its task was cancelled", async () => {
    const { worker } = await searcher();
    const cancellation = new Cancellation();
    cancellation.cancel();
    await expect(worker.run({ key: "k", hops: 0, payload: "backoff", cancellation })).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});

describe("a session with the search", () => {
  it("narrows what the message before found, again and again", async () => {
    const { say } = await searcher();
    expect(ids(await say({ query: "backoff timeout" }))).toHaveLength(3);
    expect(ids(await say({ narrow: "timeout" }))).toEqual(["retry.md#retry", "time.md#timeouts"]);
    expect(ids(await say({ narrow: "backoff" }))).toEqual(["retry.md#retry"]);
    expect(ids(await say({ narrow: "call" }))).toEqual([]);
    expect(ids(await say({ narrow: "backoff" }))).toEqual([]);
    expect(ids(await say("backoff"))).toHaveLength(2);
  });

  it("narrows everything that was found, not just the hits shown", async () => {
    const { say } = await searcher({ "many.md": "# word\n".repeat(50).concat("# word rare\n") });
    expect((await say({ query: "word", limit: 1 })).total).toBe(51);
    expect(ids(await say({ narrow: "rare" }))).toEqual(["many.md#word-rare"]);
  });

  it("keeps at most 2,000 of what was found", async () => {
    const { send } = await searcher({ "many.md": "# word\n".repeat(2100) });
    const { result, state } = await send("word", { id: "s", state: undefined });
    expect(result.total).toBe(2100);
    expect((state as { ids: string[] }).ids).toHaveLength(2000);
    expect((await send({ narrow: "word" }, { id: "s", state })).result.total).toBe(2000);
  });

  it("narrows, when it has moved here, what its earlier messages find here", async () => {
    const { send } = await searcher();
    const turns: Json[] = [
      "clocks",
      { query: "backoff timeout", limit: "of another worker" },
      { narrow: "timeout" },
    ];
    const moved = { id: "s", state: undefined, history: turns.map((data) => ({ data, result: null })) };
    const { result, state } = await send({ narrow: "backoff" }, moved);
    expect(ids(result)).toEqual(["retry.md#retry"]);
    expect(state).toEqual({ ids: ["retry.md#retry"] });
    // What it narrowed was left out on the way here.
    const cut = { ...moved, history: moved.history.slice(2) };
    await expect(send({ narrow: "backoff" }, cut)).rejects.toMatchObject({ code: "bad_request" });
  });

  it("cannot narrow before anything was found, nor outside a session", async () => {
    const { say, search } = await searcher();
    for (const call of [say, search]) {
      await expect(call({ narrow: "word" })).rejects.toMatchObject({
        code: "bad_request",
        message: expect.stringContaining('"narrow"'),
      });
    }
  });

  it("names narrow when it has no word", async () => {
    const { say } = await searcher();
    await say("backoff");
    await expect(say({ narrow: " " })).rejects.toMatchObject({
      message: expect.stringContaining('"narrow"'),
    });
  });

  it("keeps nothing of a task outside a session", async () => {
    const { send } = await searcher();
    expect(await send("backoff")).not.toHaveProperty("state");
  });
});

describe("building the index", () => {
  it("reports progress, the last time with everything", async () => {
    const progress: object[] = [];
    await searcher(FILES, { onProgress: (step) => progress.push(step) });
    expect(progress.at(-1)).toEqual({ files: 3, totalFiles: 3, sections: 5 });
  });

  it("lets timers run in between", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const text = `# title\n${"some words to index ".repeat(50)}\n`.repeat(500);
    const steps: number[] = [];
    await searcher({ "big.md": text }, { onProgress: ({ sections }) => steps.push(sections) });
    clearInterval(timer);
    expect(steps.length).toBeGreaterThan(1);
    expect(ticks).toBeGreaterThan(1);
  });

  it("tells what was indexed and left out, in the log and to health", async () => {
    const { worker, logger } = await searcher({ ...FILES, ".env": "x", "b.bin": "\0" }, {});
    const figures = { files: 3, sections: 5, leftOut: { dotfile: 1, binary: 1 } };
    expect(worker.facts?.()).toEqual(figures);
    expect(logger.lines).toEqual([
      { level: "info", facts: expect.objectContaining(figures), message: "The search index is built." },
    ]);
  });

  it("describes itself with an example that works", async () => {
    const { worker, search } = await searcher(FILES, { share: { index: 0, of: 2 } });
    expect(worker.description.does).toMatch(/\d sections of 2 files \(share 1 of 2\)/);
    expect(worker.description.payload).toContain('"narrow"');
    expect(await search(worker.description.example)).toHaveProperty("hits");
  });

  it("works over an empty folder", async () => {
    const { search } = await searcher({});
    expect(await search("anything")).toEqual({ query: "anything", total: 0, hits: [] });
  });
});
