import { expect, it } from "vitest";
import { host, known, standIn } from "./stand-in.ts";

it("codex may read and never asks, in a conversation that goes on too, unless a person says so", async () => {
  await standIn("codex");
  const { open, message } = await host("codex");
  const id = await open();
  const args = async (seq: number) =>
    known((await message(id, { data: "hello", seq, epoch: 1 })).body).args.join(" ");
  const least = 'exec -c sandbox_mode="read-only" -c approval_policy="never" --json --skip-git-repo-check';
  expect(await args(1)).toBe(`${least} -`);
  expect(await args(2)).toMatch(new RegExp(`^${least} resume \\S{36} -$`));
});
