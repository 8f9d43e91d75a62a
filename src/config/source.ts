import { unwatchFile, watchFile } from "node:fs";
import { OrchestratorError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import { type Config, resolveConfig } from "./config.ts";
import { findConfigFile, readConfigFile } from "./file.ts";

/** How often the file is looked at. */
const LOOK_EVERY_MS = 1_000;

export interface ConfigSourceOptions {
  /** `--config`. */
  named: string | undefined;
  env: Record<string, string | undefined>;
  logger: Logger;
  /** Called with each new configuration that was taken up. */
  onChange?: (config: Config) => void;
}

/**
 * The configuration, taken up anew when its file changes. A file that is wrong from the start is an
 * error at each use; one that is changed into a wrong one is reported, and the last good one stays.
 */
export class ConfigSource {
  readonly file: string | undefined;
  readonly #options: ConfigSourceOptions;
  #config: Config | undefined;
  #error: OrchestratorError | undefined;

  constructor(options: ConfigSourceOptions) {
    this.#options = options;
    this.file = findConfigFile(options.named, options.env);
    this.#load();
    if (this.file === undefined) return;
    // A process must not live on for the sake of a file.
    watchFile(this.file, { interval: LOOK_EVERY_MS, persistent: false }, () => this.#reload());
  }

  /** @throws OrchestratorError `bad_request` while there has been no good one. */
  current(): Config {
    if (this.#config) return this.#config;
    throw this.#error as OrchestratorError;
  }

  /** What is wrong with the file now, also while an earlier one is in force. */
  get error(): OrchestratorError | undefined {
    return this.#error;
  }

  close(): void {
    if (this.file !== undefined) unwatchFile(this.file);
  }

  #load(): void {
    const { env } = this.#options;
    try {
      const file = this.file === undefined ? undefined : readConfigFile(this.file);
      this.#config = resolveConfig(file, env, this.file);
      this.#error = undefined;
    } catch (error) {
      this.#error = OrchestratorError.from(error);
    }
  }

  #reload(): void {
    const { logger, onChange } = this.#options;
    this.#load();
    if (this.#error) {
      logger.error({ err: this.#error }, "the changed configuration is wrong; the last good one stays");
      return;
    }
    logger.info({ file: this.file }, "the changed configuration is in force");
    onChange?.(this.current());
  }
}
