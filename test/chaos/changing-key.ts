import { renameSync, writeFileSync } from "node:fs";

/** A time at which an instance began to demand another key. Epoch milliseconds. */
export interface KeyChange {
  instance: string;
  at: number;
}

/** The bearer key that an instance demands, in the file where the orchestrators read it. */
export class ChangingKey {
  readonly path: string;
  readonly #instance: string;
  #changes = 0;

  constructor(instance: string, path: string) {
    this.#instance = instance;
    this.path = path;
    this.#write();
  }

  /**
   * From now on another key is demanded. It is in the file first, whole and within the same turn: who
   * was refused finds it there, and nobody sends it before it is demanded. Otherwise a new key would be
   * refused unchanged, and not be tried again for ten minutes.
   */
  change(): KeyChange {
    this.#changes += 1;
    this.#write();
    return { instance: this.#instance, at: Date.now() };
  }

  accepts(authorization: string | undefined): boolean {
    return authorization === `Bearer ${this.#value}`;
  }

  get #value(): string {
    return `key-${this.#changes}-of-${this.#instance}`;
  }

  #write(): void {
    writeFileSync(`${this.path}.new`, this.#value);
    renameSync(`${this.path}.new`, this.path);
  }
}
