import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Instance } from "../../src/core/instance.ts";
import type { Json } from "../../src/core/json.ts";
import { closing } from "./harness.ts";

export interface HttpInstance extends Instance {
  /** The payloads of the tasks that it took, in their order. */
  received: Json[];
  /** How many tasks it was told to stop. */
  cancelled: number;
  close(): Promise<void>;
}

interface Task {
  taskId: string;
  reply: "pending" | "done" | "cancelled";
  result?: Json;
  ended: Promise<void>;
}

/** What it does with a payload. */
export type Work = (payload: Json) => Json | Promise<Json>;

/** As much of the Instance API as these tests need, on a port of the kernel's choice. */
export async function httpInstance(name: string, work: Work, tags: string[] = []): Promise<HttpInstance> {
  const tasks = new Map<string, Task>();
  const received: Json[] = [];
  let cancelled = 0;

  function begin(key: string, payload: Json): Task {
    received.push(payload);
    const task: Task = { taskId: randomUUID(), reply: "pending", ended: Promise.resolve() };
    task.ended = Promise.resolve(work(payload)).then((result) => {
      if (task.reply === "pending") Object.assign(task, { reply: "done", result });
    });
    tasks.set(key, task);
    return task;
  }

  async function answer(request: IncomingMessage): Promise<object> {
    const { method, url = "" } = request;
    const { pathname, searchParams } = new URL(url, "http://instance");
    if (pathname === "/api/health/check") return { status: "healthy", code: 200, storeId: name };
    if (pathname === "/api/sessions") return { id: randomUUID() };
    if (method === "DELETE" && pathname.startsWith("/api/sessions/")) return {};
    if (method === "POST") {
      const key = String(request.headers["idempotency-key"]);
      const body = JSON.parse(await textOf(request)) as { payload?: Json; data?: Json };
      const task = tasks.get(key) ?? begin(key, body.payload ?? body.data ?? null);
      await task.ended;
      return shown(task);
    }
    const id = pathname.split("/").at(-1);
    const task =
      tasks.get(searchParams.get("key") ?? "") ?? [...tasks.values()].find((each) => each.taskId === id);
    if (!task) return { reply: "cancelled", existed: false, storeId: name };
    if (method === "DELETE" && task.reply === "pending") {
      cancelled += 1;
      task.reply = "cancelled";
    }
    return { ...shown(task), existed: true, storeId: name };
  }

  const server = createServer(async (request, response) => {
    const body = JSON.stringify(await answer(request));
    response.setHeader("content-type", "application/json").end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return closing({
    name,
    url: origin,
    origin,
    protocol: "rest" as const,
    tags,
    source: "config" as const,
    received,
    get cancelled() {
      return cancelled;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function shown({ taskId, reply, result }: Task): object {
  return { taskId, reply, ...(result !== undefined && { result }) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
