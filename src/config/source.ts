import { type Stats, unwatchFile, watchFile } from "node:fs";
import { OrchestratorError } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import { type Config, resolveConfig } from "./config.ts";
import { findConfigFile, readConfigFile, readSettings, userConfigFile } from "./file.ts";

/** How often the file is looked at. */
const LOOK_EVERY_MS = 1_000;

export interface ConfigSourceOptions {
  /** `--config`. */
  named: string | undefined;
  /** What a file would say, in place of any. */
  settings?: unknown;
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
  readonly #options: ConfigSourceOptions;
  #watched: string | undefined;
  #file: string | undefined;
  #config: Config | undefined;
  #error: OrchestratorError | undefined;

  constructor(options: ConfigSourceOptions) {
    this.#options = options;
    this.#load();
    if (options.settings !== undefined) return;
    // Also where there is no file yet: `orchestrator init` may write the first one while this runs.
    this.#watched = this.file ?? userConfigFile();
    watchFile(this.#watched, { interval: LOOK_EVERY_MS, persistent: false }, this.#reload);
  }

  /** The file in force, if any. */
  get file(): string | undefined {
    return this.#file;
  }

  /** @throws OrchestratorError `bad_request` while there has been no good one. */
  current(): Config {
    if (this.#config) return this.#config;
    throw this.#error as OrchestratorError;
  }

  /** As {@link current}, or nothing while there has been no good one. */
  get known(): Config | undefined {
    return this.#config;
  }

  /** What is wrong with the file now, also while an earlier one is in force. */
  get error(): OrchestratorError | undefined {
    return this.#error;
  }

  close(): void {
    if (this.#watched !== undefined) unwatchFile(this.#watched, this.#reload);
  }

  #load(): void {
    const { named, env, settings } = this.#options;
    if (settings !== undefined) {
      this.#take(() => resolveConfig(readSettings(settings), env));
      return;
    }
    // One that has been found and is gone later is an error, not the lack of a configuration.
    this.#file ??= findConfigFile(named, env);
    const file = this.#file;
    this.#take(() => resolveConfig(file === undefined ? undefined : readConfigFile(file), env, file));
  }

  #take(read: () => Config): void {
    try {
      this.#config = read();
      this.#error = undefined;
    } catch (error) {
      this.#error = OrchestratorError.from(error);
    }
  }

  readonly #reload = (now: Stats, before: Stats): void => {
    // Node also calls for a file that is not there, once.
    if (now.mtimeMs === before.mtimeMs && now.size === before.size) return;
    const { logger, onChange } = this.#options;
    this.#load();
    if (this.#error) {
      logger.error({ err: this.#error }, "the changed configuration is wrong; the last good one stays");
      return;
    }
    logger.info({ file: this.file }, "the changed configuration is in force");
    onChange?.(this.current());
  };
}
