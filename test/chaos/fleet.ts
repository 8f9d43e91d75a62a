import { join } from "node:path";
import { taskIdOf } from "../../src/host/task-record.ts";
import { ChangingKey, type KeyChange } from "./changing-key.ts";
import { Child } from "./child.ts";
import type { FaultName } from "./fault-plan.ts";
import { type Execution, readLedger } from "./ledger.ts";
import type { InstanceAddress } from "./messages.ts";
import { type FaultProxy, faultProxy } from "./proxy.ts";
import { seededRandom } from "./random.ts";

/** A time in which an instance could not answer. Epoch milliseconds. */
export interface Outage {
  instance: string;
  from: number;
  until: number;
}

export interface FleetOptions {
  seed: number;
  names: readonly string[];
  /** Those of them that demand a key, which changes. */
  keyed: readonly string[];
  folder: string;
  /** The bundled `instance.ts`. */
  script: string;
  /** How many of the requests that carry work meet a fault, from 0 to 1. */
  rate: number;
  onFault: (fault: FaultName) => void;
}

interface Member {
  child: Child;
  proxy: FaultProxy;
  port: number;
  key?: ChangingKey;
}

/** Ledgered instances, each behind a proxy that plays faults. */
export class Fleet {
  readonly outages: Outage[] = [];
  /** Ids of tasks whose requests met a fault. */
  readonly troubled = new Set<string>();
  readonly ledger: string;
  readonly addresses: Record<string, InstanceAddress> = {};
  readonly keyChanges: KeyChange[] = [];
  /** Requests that came with the key before. */
  refused = 0;
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();

  constructor(options: FleetOptions) {
    this.#options = options;
    this.ledger = join(options.folder, "ledger");
  }

  async start(): Promise<void> {
    const { names, keyed, folder, seed, rate, onFault } = this.#options;
    await Promise.all(
      names.map(async (name) => {
        const { child, port } = await this.#spawn(name, 0);
        const key = keyed.includes(name) ? new ChangingKey(name, join(folder, `${name}.key`)) : undefined;
        const proxy = await faultProxy({
          random: seededRandom(seed, `proxy ${name}`),
          rate,
          target: () => port,
          onFault: (fault, taskId) => {
            onFault(fault);
            if (taskId !== undefined) this.troubled.add(taskId);
          },
          onSize: onFault,
          ...(key && {
            accepts: (authorization) => {
              const accepted = key.accepts(authorization);
              if (!accepted) this.refused += 1;
              return accepted;
            },
          }),
        });
        this.addresses[name] = { url: proxy.url, ...(key && { keyFile: key.path }) };
        this.#members.set(name, { child, proxy, port, ...(key && { key }) });
      }),
    );
  }

  isTroubled(key: string): boolean {
    return this.troubled.has(taskIdOf(key));
  }

  /** What was executed, by the ledger. */
  get executions(): Execution[] {
    return readLedger(this.ledger);
  }

  /** Kills an instance, and starts it again on the same port and journal after `ms`. */
  async kill(name: string, ms: number): Promise<void> {
    const member = this.#member(name);
    await this.#outage(name, async () => {
      this.#options.onFault("SIGKILL of an instance");
      await Promise.all([member.child.kill(), member.proxy.down()]);
      await pause(ms);
      member.child = (await this.#spawn(name, member.port)).child;
      await member.proxy.up();
    });
  }

  async freeze(name: string, ms: number): Promise<void> {
    const { child } = this.#member(name);
    await this.#outage(name, async () => {
      this.#options.onFault("SIGSTOP of an instance");
      child.stop();
      await pause(ms);
      child.wake();
    });
  }

  /** Refuses connections to an instance that itself goes on. */
  async refuse(name: string, ms: number): Promise<void> {
    const { proxy } = this.#member(name);
    await this.#outage(name, async () => {
      this.#options.onFault("refuse");
      await proxy.down();
      await pause(ms);
      await proxy.up();
    });
  }

  /** Has an instance demand another key. */
  changeKey(name: string): void {
    const change = this.#member(name).key?.change();
    if (!change) throw new Error(`Instance ${name} demands no key.`);
    this.#options.onFault("key changed");
    this.keyChanges.push(change);
  }

  calm(): void {
    for (const { proxy } of this.#members.values()) proxy.calm();
  }

  /** Lets every instance finish what it has begun, and ends it. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#members.values()].map(async ({ child, proxy }) => {
        await child.finish(20_000);
        await proxy.close();
      }),
    );
  }

  #member(name: string) {
    const member = this.#members.get(name);
    if (!member) throw new Error(`There is no instance ${name}.`);
    return member;
  }

  async #outage(instance: string, work: () => Promise<void>): Promise<void> {
    const outage: Outage = { instance, from: Date.now(), until: Number.POSITIVE_INFINITY };
    this.outages.push(outage);
    await work();
    outage.until = Date.now();
  }

  async #spawn(name: string, port: number): Promise<{ child: Child; port: number }> {
    const { folder, script } = this.#options;
    const child = new Child(script, {
      name,
      port,
      journal: join(folder, `${name}.db`),
      ledger: this.ledger,
    });
    return { child, port: Number(new URL(String(await child.ready)).port) };
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
