import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import envPaths from "env-paths";
import { OrchestratorError } from "../core/errors.ts";
import { validate } from "../core/validate.ts";
import { type ConfigFile, configSchema } from "./schema.ts";

type Env = Record<string, string | undefined>;

/** Where `orchestrator init` writes, and where a configuration is looked for at last. */
export function userConfigFile(): string {
  return path.join(envPaths("orchestrator", { suffix: "" }).config, "config.json");
}

/**
 * The configuration file in force: the named one, `ORCHESTRATOR_CONFIG`'s, or the user's if there is
 * one. Never one of the current folder by itself: a cloned repository must not decide where keys go.
 */
export function findConfigFile(named: string | undefined, env: Env): string | undefined {
  const explicit = named ?? env.ORCHESTRATOR_CONFIG;
  if (explicit) return path.resolve(explicit);
  const users = userConfigFile();
  return existsSync(users) ? users : undefined;
}

/** @throws OrchestratorError `bad_request` with the file, the field and what was expected there. */
export function readConfigFile(file: string): ConfigFile {
  return parseConfig(readText(file), file);
}

/** @throws OrchestratorError `bad_request` with the field and what was expected there. */
export function readSettings(settings: unknown): ConfigFile {
  return validate(configSchema, settings, "config");
}

function readText(file: string): string {
  try {
    // Some editors begin a file with a byte order mark, which is no JSON.
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : code;
    throw new OrchestratorError("bad_request", `The configuration ${file} cannot be read: ${why}.`, {
      action: "Correct the path, or write a first configuration with `orchestrator init`.",
      cause: error,
    });
  }
}

function parseConfig(text: string, file: string): ConfigFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new OrchestratorError(
      "bad_request",
      `The configuration ${file} is not JSON: ${(error as Error).message}`,
      {
        action: "Correct the file; `orchestrator doctor` checks it.",
        cause: error,
      },
    );
  }
  try {
    return validate(configSchema, value);
  } catch (error) {
    const { message, details } = OrchestratorError.from(error);
    throw new OrchestratorError("bad_request", `The configuration ${file} is wrong: ${message}`, {
      action: "Correct the file; `orchestrator doctor` checks it.",
      details: { file, ...details },
    });
  }
}
