import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parseModule } from "../../scripts/architecture/modules.ts";

const NODE = process.env.ORCHESTRATOR_TEST_NODE ?? process.execPath;
const files = (await readdir("dist")).filter((file) => file.endsWith(".js"));

describe("dist/", () => {
  it("loads each of its files without an error or a warning", async () => {
    const urls = files
      .filter((file) => file !== "main.js")
      .map((file) => pathToFileURL(resolve("dist", file)).href);
    const program = `for (const url of ${JSON.stringify(urls)}) await import(url).catch((error) => {
      throw new Error(url, { cause: error });
    });`;
    const { stdout, stderr } = await promisify(execFile)(NODE, ["--input-type=module", "--eval", program]);
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
    expect(urls.length).toBeGreaterThan(1);
  });

  it("needs no package at run time but those in dependencies", async () => {
    const { dependencies } = JSON.parse(await readFile("package.json", "utf8"));
    const modules = await Promise.all(
      files.map(async (file) => parseModule(file, await readFile(resolve("dist", file), "utf8"))),
    );
    const names = modules.flatMap((module) => module.imports).filter((name) => !files.includes(name));
    const packages = new Set(names.filter((name) => !isBuiltin(name)));
    expect([...packages]).toEqual(Object.keys(dependencies));
  });

  it("has no schemas of the MCP SDK that nothing needs: to make them all takes a fifth of a start", async () => {
    const texts = await Promise.all(files.map((file) => readFile(resolve("dist", file), "utf8")));
    const made = texts.flatMap((text) => [...text.matchAll(/^var (\w+Schema) = \/\* @__PURE__/gm)]);
    const names = new Set(made.map(([, name]) => name));
    expect(names).toContain("JSONRPCMessageSchema");
    expect(
      texts.filter((text) => /\b(OAuthMetadata|CreateMessageRequestParams)Schema = /.test(text)),
    ).toEqual([]);
  });

  it("has a bin that a shell can start", async () => {
    expect(await readFile("dist/main.js", "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect((await stat("dist/main.js")).mode & 0o111).toBe(0o111);
  });
});
