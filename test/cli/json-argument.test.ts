import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readJsonArgument } from "../../src/cli/json-argument.ts";

const read = (argument: string | undefined) => readJsonArgument(argument, "--payload");

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "orchestrator-cli-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe("JSON on a command line", () => {
  it.each([
    ['{"data":"task"}', { data: "task" }],
    ["null", null],
    ["-5", -5],
    ['"@x"', "@x"],
  ])("%s is %j", async (text, value) => expect(await read(text)).toEqual(value));

  it("is nothing where there is none", async () => expect(await read(undefined)).toBeUndefined());

  it("is read from a file, also from one with a byte order mark", async () => {
    const file = join(await folder(), "task.json");
    await writeFile(file, '\uFEFF{"n":1}\n');
    expect(await read(`@${file}`)).toEqual({ n: 1 });
  });

  it("shows how plain text is quoted", async () => {
    const refused = await read("it's text").catch((error) => error);
    expect(refused).toMatchObject({ code: "bad_request", message: '--payload: "it\'s text" is not JSON.' });
    expect(refused.action).toContain(`--payload '{"message":"it'\\''s text"}'`);
    expect(refused.action).toContain("@file");
  });

  it.each([
    ["a file that is not there", "nothing.json", "there is no such file"],
    ["a folder", ".", "it is a folder"],
  ])("names %s", async (_, name, why) => {
    const path = join(await folder(), name);
    await expect(read(`@${path}`)).rejects.toMatchObject({
      code: "bad_request",
      message: `--payload: ${path} cannot be read: ${why}.`,
    });
  });

  it("says how an argument that is a file by itself is given", async () => {
    const path = join(await folder(), "plan.json");
    const plan = () => readJsonArgument(`@${path}`, "the plan").catch((error) => error);
    expect((await plan()).action).toBe("Name its file, or - for standard input.");
    await writeFile(path, "{");
    expect((await plan()).action).toBe("Write JSON there; --help shows an example.");
  });

  it("names a file that is empty, or holds no JSON", async () => {
    const file = join(await folder(), "task.json");
    await writeFile(file, "");
    await expect(read(`@${file}`)).rejects.toThrow(`--payload: ${file} is empty.`);
    await writeFile(file, "hello");
    await expect(read(`@${file}`)).rejects.toThrow(`--payload: ${file} is not JSON: "hello"`);
  });
});
