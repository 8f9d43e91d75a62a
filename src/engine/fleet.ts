import { OrchestratorError } from "../core/errors.ts";
import { type Instance, instanceUrl } from "../core/instance.ts";
import type { Clock, InstanceClients, Logger, Member, Members } from "../core/ports.ts";
import { namesTags, type Selection, type Selector, select, selectKnown } from "../core/selector.ts";

/** A list this young is used as it is; an older one is refreshed behind the caller's back. */
const FRESH_MS = 5_000;
/** A list this old is not used without asking first. */
const STALE_MS = 60_000;
/** A name that nobody has makes us ask the cluster again, but not more often than this. */
const ASK_AGAIN_MS = 1_000;

/** `node2` before `node10`. */
const byName = new Intl.Collator("en", { numeric: true });

export interface FleetDependencies {
  clock: Clock;
  logger: Logger;
  configured: () => readonly Instance[];
  members?: Members | undefined;
  clients: InstanceClients;
}

/** The known instances: configured ones plus those that the cluster lists; configured names win. */
export class Fleet {
  readonly #deps: FleetDependencies;
  #listed: Instance[] = [];
  #listedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  /** Why the cluster did not list its members the last time. */
  #clusterError: OrchestratorError | undefined;

  constructor(deps: FleetDependencies) {
    this.#deps = deps;
    deps.members?.watch?.(() => {
      this.#listedAt = Number.NEGATIVE_INFINITY;
    });
  }

  /** Every known instance, configured ones first. */
  async known(): Promise<readonly Instance[]> {
    const age = this.#since(this.#listedAt);
    // A cluster that was not there the last time holds up nobody who has instances without it.
    if (age > STALE_MS && (!this.#clusterError || this.#all().length === 0)) await this.#refresh();
    else if (age > FRESH_MS) void this.#refresh();
    return this.#all();
  }

  /** The instance of this name among those known now. */
  find(name: string): Instance | undefined {
    return this.#all().find((instance) => instance.name === name);
  }

  /** As `select` over the known instances; asks the cluster afresh before it calls a name unknown. */
  async select(selector: Selector): Promise<Selection<Instance>> {
    const known = await this.known();
    if (this.#since(this.#askedAt) > ASK_AGAIN_MS && !(await this.#picksAll(selector, known)))
      await this.#refresh();
    try {
      return await this.#pick(selector, this.#all());
    } catch (error) {
      throw this.#explained(OrchestratorError.from(error));
    }
  }

  /** As {@link select}, but a name that nobody has is an error that names the nearest. */
  async selectKnown(selector: Selector): Promise<Instance[]> {
    const { picked, unknown } = await this.select(selector);
    if (unknown.length === 0) return picked;
    try {
      return [...picked, ...selectKnown(unknown, this.#all())];
    } catch (error) {
      throw this.#explained(OrchestratorError.from(error));
    }
  }

  /** The tags that an instance was given, and those that it gives itself. */
  async tagsOf(instance: Instance): Promise<readonly string[]> {
    const own = await this.#deps.clients.of(instance).tags?.();
    return own && own.length > 0 ? [...new Set([...instance.tags, ...own])] : instance.tags;
  }

  /** Picks by all tags; nobody is asked for their own where none is named. */
  async #pick(selector: Selector, known: readonly Instance[]): Promise<Selection<Instance>> {
    if (!namesTags(selector)) return select(selector, known);
    const tagged = await Promise.all(
      known.map(async (instance) => ({ name: instance.name, tags: await this.tagsOf(instance), instance })),
    );
    const { picked, unknown } = select(selector, tagged);
    return { picked: picked.map(({ instance }) => instance), unknown };
  }

  async #picksAll(selector: Selector, known: readonly Instance[]): Promise<boolean> {
    try {
      return (await this.#pick(selector, known)).unknown.length === 0;
    } catch {
      return false;
    }
  }

  /** A cluster that does not answer is why a name may be unknown. */
  #explained(error: OrchestratorError): OrchestratorError {
    if (error.code !== "unknown_instance" || !this.#clusterError) return error;
    const { message, action } = this.#clusterError;
    // With nobody known, mending the cluster is the next thing to do.
    return new OrchestratorError(error.code, `${error.message} ${message}`, {
      ...error,
      ...(this.#all().length === 0 && { action }),
    });
  }

  #since(moment: number): number {
    return this.#deps.members ? this.#deps.clock.monotonic() - moment : 0;
  }

  #all(): readonly Instance[] {
    const configured = this.#deps.configured();
    if (this.#listed.length === 0) return configured;
    const names = new Set(configured.map((instance) => instance.name));
    return [...configured, ...this.#listed.filter((instance) => !names.has(instance.name))];
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#list().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #list(): Promise<void> {
    const { members, clock, logger } = this.#deps;
    if (!members) return;
    try {
      const listed = (await members.list("instance")).flatMap((member) => toInstance(member) ?? []);
      this.#listed = listed.sort((a, b) => byName.compare(a.name, b.name));
      this.#listedAt = clock.monotonic();
      this.#clusterError = undefined;
    } catch (error) {
      // The last list stays in use; with configured instances alone there may be no cluster at all.
      if (!this.#clusterError) logger.debug({ err: error }, "the cluster does not list its members");
      this.#clusterError = OrchestratorError.from(error);
    }
    this.#askedAt = clock.monotonic();
  }
}

function toInstance(member: Member): Instance | undefined {
  if (member.url === undefined || !instanceUrl.safeParse(member.url).success) return undefined;
  return {
    name: member.name,
    url: member.url,
    origin: new URL(member.url).origin,
    protocol: member.protocol ?? "rest",
    tags: member.tags ?? [],
    credential: { from: "fleet" },
    source: "cluster",
  };
}
