import { expect, it } from "vitest";
import { host, known, standIn } from "./stand-in.ts";

it("openclaw has a session of its own for each task", async () => {
  await standIn("openclaw");
  const { post } = await host("openclaw");
  const key = async () => /--session-key (\S+)/.exec(known((await post("hello")).body).args.join(" "))?.[1];
  const [one, two] = [await key(), await key()];
  expect(one).toMatch(/^orchestrator-/);
  expect(two).not.toBe(one);
});

it("openclaw tells why a turn was stopped, and what it had used", async () => {
  await standIn("openclaw");
  const { body } = await (await host("openclaw")).post("do: limit");
  expect(body.error.message).toBe("openclaw failed: Request timed out before a response was generated.");
  expect(body.usage).toEqual({ inputTokens: 10, outputTokens: 3, totalTokens: 13, costUsd: 0.000075 });
});
