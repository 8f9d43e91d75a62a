import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { InstanceHealth } from "../../src/core/answers.ts";
import { type Scenario, until } from "./scenarios.ts";

// The A2A channel of the gateways, with a token of its own: G is that of A, V shows a wrong token to it.

export const A2A_SCENARIOS: readonly Scenario[] = [
  [
    "a2a: health, and what this channel can do",
    async ({ product, model, a }) => {
      const asked = model.asked.length;
      await until(() => a.speaksA2a());
      const { said } = await product.run("health", "--instances", "G", "--detail");
      const { state, reason, capabilities, tags } = said.G as InstanceHealth;
      equal(state, "healthy", reason);
      equal(capabilities?.streaming, false);
      equal(model.asked.length, asked, "a health poll has asked the model");
      return `${reason}; tags ${JSON.stringify(tags)}`;
    },
  ],
  [
    "a2a: delegate",
    async ({ product }) => {
      const { said } = await product.run(
        "route",
        "--instances",
        "G",
        "--payload",
        '{"message":"[[over a2a]]"}',
      );
      equal(said.result, "turn 1: over a2a", JSON.stringify(said));
      return JSON.stringify(said.result);
    },
  ],
  [
    "a2a: a session of two turns",
    async ({ product, model }) => {
      await product.run("sessions_spawn", "--id", "talk-a2a", "--instance", "G");
      const first = await product.run("sessions_send", "--id", "talk-a2a", "--data", '"[[one]]"');
      const second = await product.run("sessions_send", "--id", "talk-a2a", "--data", '"[[two]]"');
      deepEqual(
        [first.said.result, second.said.result],
        ["turn 1: one", "turn 2: two"],
        JSON.stringify(second.said),
      );
      deepEqual(model.asked.at(-1)?.turns, ["one", "two"]);
      return "the gateway told its model both turns";
    },
  ],
  [
    "a2a: a run outlives the process that began it, and a cancel is refused",
    async ({ product, model }) => {
      const asked = model.asked.length;
      const call = ["--instances", "G", "--payload", '"[[slow 30000 on and on]]"', "--wait", "3s"];
      const begun = await product.run("route", ...call);
      deepEqual([begun.said.reply, begun.said.survivesExit], ["pending", true], JSON.stringify(begun.said));
      const cancelled = await product.run("runs", "cancel", begun.said.runId);
      const [outcome] = cancelled.said.outcomes;
      deepEqual([outcome.delivery, outcome.reply], ["accepted", "none"], JSON.stringify(cancelled.said));
      await until(() => model.asked.length > asked);
      ok(!model.asked.at(-1)?.left, "the gateway has stopped its model");
      return outcome.error.message;
    },
  ],
  [
    "a2a: a wrong token",
    async ({ product }) => {
      const { said } = await product.run("route", "--instances", "V", "--payload", '"[[let me in]]"');
      deepEqual([said.code, said.delivery], ["instance_unauthorized", "not_sent"], JSON.stringify(said));
      match(said.message, /channels\.a2a\.peers/);
      return said.message;
    },
  ],
  [
    "a2a: a gateway killed in mid-task: nobody else is asked",
    async ({ product, a, model }) => {
      const asked = model.asked.length;
      const running = product.run("route", "--instances", "G", "B", "--payload", '"[[slow 30000 lost]]"');
      await until(() => model.asked.length > asked);
      await a.kill();
      const { said } = await running;
      await a.start();
      deepEqual([said.instance, said.delivery], ["G", "accepted"], JSON.stringify(said));
      return `${said.code}: ${said.message}`;
    },
  ],
];
