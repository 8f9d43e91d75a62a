import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { InstanceHealth } from "../../src/core/answers.ts";
import type { Gateway } from "./gateway.ts";
import type { Model } from "./model.ts";
import type { Product } from "./product.ts";

export interface World {
  a: Gateway;
  b: Gateway;
  model: Model;
  product: Product;
  /** Of `orchestrator serve`. */
  server: string;
}

/** What is shown, and what was seen when it held. */
export type Scenario = [what: string, show: (world: World) => Promise<string>];

// A and B are the gateways. Each scenario leaves both running, with their keys right.

const both: Scenario[] = [
  [
    "health of both, and what their protocol can do",
    async ({ product, model }) => {
      const asked = model.asked.length;
      const { said } = await product.run("health", "--instances", "A", "B", "--detail");
      const entries = Object.entries<InstanceHealth>(said);
      for (const [name, { state, reason }] of entries) equal(state, "healthy", `${name}: ${reason}`);
      deepEqual(said.A.capabilities, {
        ...{ idempotency: false, cancel: true, async: false, sessions: true, history: true, streaming: true },
      });
      equal(model.asked.length, asked, "a health poll has asked the model");
      const times = entries.map(([name, { latencyMs = 0 }]) => `${name} in ${latencyMs.toFixed(0)} ms`);
      return `${times.join(", ")}; the model was not asked`;
    },
  ],
  [
    "delegate",
    async ({ product, model }) => {
      const asked = model.asked.length;
      const { code, said } = await product.run(
        "route",
        "--instances",
        "A",
        "--payload",
        '{"message":"[[hello]]"}',
      );
      equal(said.result, "turn 1: hello", JSON.stringify(said));
      equal(code, 0);
      equal(said.usage.totalTokens, 103);
      equal(model.asked.length - asked, 1);
      return `${JSON.stringify(said.result)} from ${said.instance}, ${said.usage.totalTokens} tokens`;
    },
  ],
  [
    "by protocol openai, which replays its sessions",
    async ({ product }) => {
      const { said: routed } = await product.run("route", "--instances", "O", "--payload", '"[[plain]]"');
      equal(routed.result, "turn 1: plain", JSON.stringify(routed));
      const { said: health } = await product.run("health", "--instances", "O");
      deepEqual(health, { O: "healthy" });
      await product.run("sessions_spawn", "--id", "replayed", "--instance", "O");
      const first = await product.run("sessions_send", "--id", "replayed", "--data", '"[[first]]"');
      const second = await product.run("sessions_send", "--id", "replayed", "--data", '"[[second]]"');
      equal(second.said.result, "turn 2: second", JSON.stringify(second.said));
      await product.run("sessions_close", "--id", "replayed");
      return `${JSON.stringify(routed.result)}, then ${JSON.stringify([first.said.result, second.said.result])}`;
    },
  ],
  [
    "fan-out",
    async ({ product }) => {
      const { code, said } = await product.run(
        "fanout",
        "--targets",
        "A-B",
        "--aggregate",
        "true",
        "--payload",
        '"[[all]]"',
      );
      equal(code, 0, JSON.stringify(said));
      deepEqual(said, [
        { instance: "A", reply: "done", result: "turn 1: all" },
        { instance: "B", reply: "done", result: "turn 1: all" },
      ]);
      return JSON.stringify(said.map(({ result }: { result: string }) => result));
    },
  ],
  [
    "a session of two turns",
    async ({ product, model }) => {
      await product.run("sessions_spawn", "--id", "talk", "--instance", "B");
      const first = await product.run("sessions_send", "--id", "talk", "--data", '"[[one]]"');
      const second = await product.run("sessions_send", "--id", "talk", "--data", '"[[two]]"');
      deepEqual([first.said.result, second.said.result], ["turn 1: one", "turn 2: two"]);
      deepEqual(model.asked.at(-1)?.turns, ["one", "two"]);
      const { said } = await product.run("sessions_history", "--id", "talk", "--remote");
      equal(said.transcript.length, 2);
      deepEqual(
        said.remote.messages.map(({ role, text }: { role: string; text: string }) => `${role}: ${text}`),
        ["user: [[one]]", "assistant: turn 1: one", "user: [[two]]", "assistant: turn 2: two"],
      );
      await product.run("sessions_close", "--id", "talk");
      const closed = await product.run("sessions_history", "--id", "talk", "--remote");
      deepEqual(
        [closed.said.transcript.length, closed.said.remote.messages],
        [2, []],
        JSON.stringify(closed.said),
      );
      return "the gateway told its model both turns, its transcript has them, and the close deleted it there";
    },
  ],
  [
    "two messages at once, from two processes, on a new session",
    async ({ product }) => {
      await product.run("sessions_spawn", "--id", "twice", "--instance", "A");
      const sends = ["x", "y"].map((said) =>
        product.run("sessions_send", "--id", "twice", "--data", `"[[slow 500 ${said}]]"`),
      );
      const turns = (await Promise.all(sends)).map(({ said }) => String(said.result).slice(0, 6)).sort();
      deepEqual(turns, ["turn 1", "turn 2"], "a gateway fails one of two that both begin a session");
      return "one after the other";
    },
  ],
  [
    "a wait that ends leaves the run going",
    async ({ product, server }) => {
      const call = [
        "--instances",
        "A",
        "--payload",
        '"[[slow 4000 later]]"',
        "--wait",
        "1s",
        "--url",
        server,
      ];
      const { code, said } = await product.run("route", ...call);
      equal(said.reply, "pending", JSON.stringify(said));
      equal(code, 6);
      const ended = await product.run("runs", "wait", said.runId, "--url", server);
      equal(ended.said.outcomes[0].reply, "done", JSON.stringify(ended.said));
      return `pending after 1 s, then ${ended.said.outcomes[0].reply}`;
    },
  ],
  [
    "cancel",
    async ({ product, server, model }) => {
      const call = [
        "--instances",
        "A",
        "--payload",
        '"[[slow 60000 never]]"',
        "--wait",
        "3s",
        "--url",
        server,
      ];
      const { said } = await product.run("route", ...call);
      const cancelled = await product.run("runs", "cancel", said.runId, "--url", server);
      const [outcome] = cancelled.said.outcomes;
      deepEqual([outcome.delivery, outcome.reply], ["accepted", "cancelled"], JSON.stringify(cancelled.said));
      const asked = model.asked.at(-1);
      await until(() => asked?.left === true);
      return `${outcome.error.message} The gateway left its model.`;
    },
  ],
];

const refusals: Scenario[] = [
  [
    "a wrong token is told, and shown to the gateway once",
    async ({ product, server, b, model }) => {
      // W is B with a key file of its own, which holds another token at first.
      const call = ["--instances", "W", "--payload", '"[[let me in]]"', "--url", server, "--fresh"];
      const route = () => product.run("route", ...call);
      const asked = model.asked.length;
      const refused = [await route(), await route(), await route()];
      for (const { said, code } of refused)
        deepEqual([said.code, code], ["instance_unauthorized", 4], JSON.stringify(said));
      ok(!JSON.stringify(refused).includes("a-wrong-token"));
      equal(model.asked.length, asked);
      const health = await product.run("health", "--instances", "W", "--detail", "--url", server);
      equal(health.said.W.state, "degraded", JSON.stringify(health.said));
      await product.writeKey("W", b.token);
      // A second wrong token would have locked out the right one too.
      const { said } = await route();
      equal(said.result, "turn 1: let me in", JSON.stringify(said));
      return `${refused[0]?.said.message} Three calls, and the gateway that locks at two let the right token in.`;
    },
  ],
  [
    "a gateway of several agents, and none named",
    async ({ product, model }) => {
      const asked = model.asked.length;
      const { said } = await product.run("route", "--instances", "N", "--payload", '"[[who]]"');
      deepEqual([said.code, said.delivery], ["bad_request", "not_sent"], JSON.stringify(said));
      equal(model.asked.length, asked);
      return said.action;
    },
  ],
  [
    "chat completions turned off",
    async ({ product, a }) => {
      await a.restart({ chat: false });
      const { said } = await product.run("route", "--instances", "A", "--payload", '"[[off]]"');
      match(said.action, /gateway\.http\.endpoints\.chatCompletions\.enabled/, JSON.stringify(said));
      equal(said.delivery, "not_sent");
      const other = await product.run("route", "--instances", "A", "B", "--payload", '"[[off]]"');
      equal(other.said.instance, "B");
      const session = await product.run("sessions_spawn", "--id", "off", "--instance", "A");
      match(session.said.action, /chatCompletions/);
      await a.restart();
      return `${said.message} ${said.action}`;
    },
  ],
];

const ends: Scenario[] = [
  [
    "a gateway that drains finishes what it has, and is passed over",
    async ({ product, a, model }) => {
      const asked = model.asked.length;
      const slow = product.run("route", "--instances", "A", "--payload", '"[[slow 20000 last words]]"');
      await until(() => model.asked.length > asked);
      a.signal("SIGTERM");
      await until(async () => (await a.ready()) === 503);
      const { said } = await product.run("health", "--instances", "A", "--detail");
      equal(said.A.state, "draining", JSON.stringify(said));
      const other = await product.run("route", "--instances", "A", "B", "--payload", '"[[meanwhile]]"');
      deepEqual(
        [other.said.instance, other.said.result],
        ["B", "turn 1: meanwhile"],
        JSON.stringify(other.said),
      );
      const finished = await slow;
      equal(finished.said.result, "turn 1: slow 20000 last words", JSON.stringify(finished.said));
      const code = await a.ended();
      await a.start();
      return `A: ${said.A.state}, B did the work, A finished its own and ended with ${code}`;
    },
  ],
  [
    "kill -9, and another does the work",
    async ({ product, a }) => {
      await a.kill();
      const { said } = await product.run("route", "--instances", "A", "B", "--payload", '"[[who is there]]"');
      deepEqual([said.instance, said.result], ["B", "turn 1: who is there"], JSON.stringify(said));
      equal(said.attempts[0].delivery, "not_sent");
      await a.start();
      return `${said.attempts[0].error.message} Then ${said.result} from ${said.instance}`;
    },
  ],
  [
    "kill -9 in mid-run: nobody else is asked, unless that is harmless",
    async ({ product, a, model }) => {
      const inMidRun = async (...more: string[]) => {
        const asked = model.asked.length;
        const running = product.run(
          "route",
          "--instances",
          "A",
          "B",
          "--payload",
          '"[[slow 3000 mid]]"',
          ...more,
        );
        await until(() => model.asked.length > asked);
        await sleep(1_000);
        await a.kill();
        const ended = await running;
        return { ...ended, asked: model.asked.length - asked };
      };
      const told = await inMidRun();
      deepEqual(
        [told.said.instance, told.said.delivery, told.said.code, told.asked],
        ["A", "accepted", "instance_down", 1],
        JSON.stringify(told.said),
      );
      await a.start();
      const harmless = await inMidRun("--idempotent");
      deepEqual(
        [harmless.said.instance, harmless.said.reply, harmless.asked],
        ["B", "done", 2],
        JSON.stringify(harmless.said),
      );
      await a.start();
      return `${told.said.message} With --idempotent: ${harmless.said.result} from ${harmless.said.instance}`;
    },
  ],
];

/** Right after its start a gateway may take half a minute for its first run, on a busy machine. */
const PATIENCE_MS = 120_000;

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`it did not come to that within ${PATIENCE_MS / 1000} s`);
    await sleep(50);
  }
}

export const SCENARIOS: readonly Scenario[] = [...both, ...refusals, ...ends];

/** A gateway asks a failing model again and again, for some 90 s. */
export async function upstreamFailure({ product }: World): Promise<string> {
  const call = ["--instances", "B", "--payload", '"[[fail always]]"', "--timeout", "4m"];
  const { said } = await product.run("route", ...call);
  deepEqual([said.delivery, said.code], ["accepted", "instance_error"], JSON.stringify(said));
  match(said.message, /upstream provider error/);
  return `${said.message} after ${Math.round(said.details.attempts[0].elapsedMs / 1000)} s`;
}
