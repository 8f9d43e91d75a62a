import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { userConfigFile } from "../../src/config/file.ts";
import { ConfigSource, type ConfigSourceOptions } from "../../src/config/source.ts";
import { recordingLogger } from "../support/logger.ts";

const SOON = { timeout: 10_000 };
const before = process.env.XDG_CONFIG_HOME;
let folder = "";
let file = "";
let sources: ConfigSource[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "config-"));
  file = path.join(folder, "config.json");
  process.env.XDG_CONFIG_HOME = path.join(folder, "xdg");
  sources = [];
});
afterEach(async () => {
  for (const source of sources) source.close();
  if (before === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = before;
  await rm(folder, { recursive: true, force: true });
});

function open(options: Partial<ConfigSourceOptions> = {}) {
  const logger = recordingLogger();
  const source = new ConfigSource({ named: file, env: {}, logger, ...options });
  sources.push(source);
  return { source, logger };
}

it("a changed file is taken up without a restart", async () => {
  await writeFile(file, '{"retries":1}');
  const taken: Config[] = [];
  const { source } = open({ onChange: (config) => taken.push(config) });
  expect(source.current().retries).toBe(1);
  await writeFile(`${file}.new`, '{"retries":2, "timeout": "9s"}');
  await rename(`${file}.new`, file);
  await expect.poll(() => source.current().retries, SOON).toBe(2);
  expect(taken).toMatchObject([{ retries: 2, timeoutMs: 9_000 }]);
});

it("a file that is changed into a wrong one is reported, and the last good one stays", async () => {
  await writeFile(file, '{"retries":1}');
  const taken: Config[] = [];
  const { source, logger } = open({ onChange: (config) => taken.push(config) });
  await writeFile(file, '{"retries":');
  await expect.poll(() => source.error?.message, SOON).toContain("is not JSON");
  expect(source.current().retries).toBe(1);
  expect(taken).toEqual([]);
  expect(logger.lines).toMatchObject([{ level: "error" }]);
  await writeFile(file, '{"retries":4}');
  await expect.poll(() => source.current().retries, SOON).toBe(4);
  expect(source.error).toBeUndefined();
});

it("a file that is wrong from the start is an error at each use, until it is corrected", async () => {
  await writeFile(file, '{"retris":1}');
  const { source } = open();
  expect(() => source.current()).toThrow("did you mean retries?");
  expect(() => source.current()).toThrow("did you mean retries?");
  await writeFile(file, '{"retries":5}');
  await expect.poll(() => source.error, SOON).toBeUndefined();
  expect(source.current().retries).toBe(5);
});

it("a named file that is missing is an error until it is there", async () => {
  const { source } = open();
  expect(() => source.current()).toThrow("there is no such file");
  await writeFile(file, '{"retries":6}');
  await expect.poll(() => source.error, SOON).toBeUndefined();
  expect(source.current().retries).toBe(6);
});

it("a file that is removed leaves the last good configuration in force, and says so", async () => {
  await mkdir(path.dirname(userConfigFile()), { recursive: true });
  await writeFile(userConfigFile(), '{"retries":7}');
  const { source } = open({ named: undefined });
  expect(source.file).toBe(userConfigFile());
  await rm(userConfigFile());
  await expect.poll(() => source.error?.message, SOON).toContain("there is no such file");
  expect(source.current().retries).toBe(7);
});

it("a first file in the user's folder is taken up while the program runs", async () => {
  const { source } = open({ named: undefined });
  expect(source.current().retries).toBe(3);
  expect(source.file).toBeUndefined();
  await mkdir(path.dirname(userConfigFile()), { recursive: true });
  await writeFile(userConfigFile(), '{"retries":8}');
  await expect.poll(() => source.current().retries, SOON).toBe(8);
  expect(source.file).toBe(userConfigFile());
});

it("nothing is taken up after the close", async () => {
  await writeFile(file, '{"retries":1}');
  const { source } = open();
  source.close();
  await writeFile(file, '{"retries":2}');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(source.current().retries).toBe(1);
});
