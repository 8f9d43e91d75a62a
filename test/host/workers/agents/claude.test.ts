import { readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { host, known, standIn } from "./stand-in.ts";

it("claude is denied what it would ask for, and reads no settings of the folder, unless a person says so", async () => {
  await standIn("claude");
  const { body } = await (await host("claude")).post("hello");
  expect(known(body).args.join(" ")).toBe(
    "-p --permission-mode default --setting-sources user --output-format json",
  );
});

it("claude is understood also when it is verbose, structured, at a limit, or refused at the end", async () => {
  await standIn("claude");
  const { post } = await host("claude", { args: ["--verbose"] });
  expect(known((await post("hello")).body).heard).toEqual(["hello"]);
  expect((await post("do: structured")).body.result).toEqual({ a: 1 });
  const { body } = await post("do: limit");
  expect(body).toMatchObject({ reply: "failed", usage: { totalTokens: 16, costUsd: 0.000144 } });
  expect(body.error.message).toBe("claude failed: Reached maximum number of turns (1)");
  expect((await post("do: refuse")).body.error.message).toBe(
    "claude failed: it ended with exit code 1: Error: auto mode could not check some actions. Exiting with code 1.",
  );
});

it.each(["claude", "codex"])(
  "a conversation that %s has forgotten fails the message, and says what to do",
  async (agent) => {
    const home = await standIn(agent);
    const { open, message } = await host(agent);
    const id = await open();
    await message(id, { data: "one", seq: 1, epoch: 1 });
    const [file = ""] = (await readdir(home)).filter((name) => name.startsWith(`${agent}-`));
    await unlink(join(home, file));
    expect((await message(id, { data: "two", seq: 2, epoch: 1 })).body.error).toMatchObject({
      code: "instance_error",
      message: expect.stringContaining(file.slice(agent.length + 1)),
      action: "Close the session and spawn it anew: its conversation is gone.",
    });
  },
);
