// A process of its own that uses the store file named on its command line, for the tests beside it.
import { createInterface } from "node:readline";
import type { Clock, Store } from "../../src/core/ports.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { recordingLogger } from "../support/logger.ts";

const [task = "", path = "", id = "", count = "0"] = process.argv.slice(2);

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
const open = (exclusive = false) => openSqliteStore({ path, clock, logger: recordingLogger(), exclusive });
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const failure = (thrown: unknown) => {
  const { code, message } = thrown as { code?: string; message: string };
  return { code, message };
};

/** Adds `count` to a shared counter, one compare-and-set at a time, and fights for shared names. */
async function compete(store: Store): Promise<void> {
  let created = 0;
  for (let i = 0; i < Number(count); i++) {
    if (await store.put(`name/${i}`, JSON.stringify(id), { ifVersion: 0 })) created++;
    await store.put(`own/${id}/${i}`, `${i}`);
    for (let done = false; !done; ) {
      const entry = await store.get("counter");
      const next = `${Number(entry?.value ?? 0) + 1}`;
      done = (await store.put("counter", next, { ifVersion: entry?.version ?? 0 })) !== undefined;
    }
  }
  await store.close();
  say({ created });
}

/** Does as the lines on standard input say, until they end. */
async function obey(store: Store): Promise<void> {
  say("open");
  for await (const line of createInterface(process.stdin)) {
    const [method, ...args] = JSON.parse(line) as ["put" | "delete" | "get", ...string[]];
    try {
      say({ result: await (store[method] as (...args: string[]) => Promise<unknown>)(...args) });
    } catch (thrown) {
      say(failure(thrown));
    }
  }
}

/** An ordinary user cannot write to read-only files; root can, and becomes one. */
async function becomeOrdinaryUser(): Promise<void> {
  await import("libsql");
  if (process.getuid?.() !== 0) return;
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}

if (task === "ordinary-user") await becomeOrdinaryUser();
try {
  const store = await open(task === "exclusive");
  await (task === "compete" ? compete(store) : obey(store));
} catch (thrown) {
  say(failure(thrown));
}
