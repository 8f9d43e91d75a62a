import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";

// The fields that we use, as the MCP registry asks for them: our own reading, on 2026-11-25, of its schema of
// 2025-12-11 (github.com/modelcontextprotocol/registry). Stricter than that one, which lets unknown fields pass.

const fixedVersion = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/);

const input = z.strictObject({
  name: z.string(),
  description: z.string(),
  isRequired: z.boolean(),
  isSecret: z.boolean(),
  format: z.enum(["string", "number", "boolean", "filepath"]),
});

const npmPackage = z.strictObject({
  registryType: z.literal("npm"),
  identifier: z.string(),
  version: fixedVersion,
  runtimeHint: z.literal("npx"),
  transport: z.strictObject({ type: z.literal("stdio") }),
  environmentVariables: z.array(input),
});

const serverJson = z.strictObject({
  $schema: z.literal("https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"),
  name: z
    .string()
    .min(3)
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: fixedVersion,
  packages: z.array(npmPackage).length(1),
});

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));

describe("server.json", () => {
  it("is as the registry takes it", () => {
    expect(serverJson.safeParse(read("server.json")).error?.issues ?? []).toEqual([]);
  });

  it("speaks of this package, in this version, and the package of it", () => {
    const { name, version, mcpName } = read("package.json");
    expect(read("server.json")).toMatchObject({
      name: mcpName,
      version,
      packages: [{ identifier: name, version }],
    });
  });
});
