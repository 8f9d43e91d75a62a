import type { ServerEvent, ServerEventBus } from "@modelcontextprotocol/server";
import type { EngineChange } from "../../core/changes.ts";
import type { Engine } from "../../engine/engine.ts";
import { FLEET_URI, resultUri, runUri, sessionUri } from "../uris.ts";

/** Changes within this time are told once: a fan-out writes its run for each of its outcomes. */
const GATHER_MS = 100;

/**
 * What changes among the resources, for the connections that have asked to be told. The engine is watched
 * only while there is one; the entries of the SDK take this as their bus of events.
 */
export class ResourceChanges implements ServerEventBus {
  readonly #watch: Engine["watch"];
  readonly #listeners = new Set<(event: ServerEvent) => void>();
  /** By what they tell, so that each is told once. */
  readonly #gathered = new Map<string, ServerEvent>();
  /** What clients have asked to be told of: they are, where nobody knows what has changed. */
  readonly #asked = new Set<string>();
  #stop: (() => void) | undefined;

  constructor(engine: Pick<Engine, "watch">) {
    this.#watch = (...args) => engine.watch(...args);
  }

  /** Returns what ends it; each call of a listener's is a subscription of its own. */
  subscribe(listener: (event: ServerEvent) => void): () => void {
    const own = (event: ServerEvent) => listener(event);
    this.#listeners.add(own);
    this.#stop ??= this.#watch((change) => this.#gather(change));
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  publish(event: ServerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Notes what a client asks to be told of. */
  ask(uris: Iterable<string>): void {
    for (const uri of uris) this.#asked.add(uri);
  }

  #gather(change: EngineChange): void {
    if (this.#gathered.size === 0) setTimeout(() => this.#tell(), GATHER_MS).unref();
    for (const event of eventsOf(change, this.#asked)) this.#gathered.set(JSON.stringify(event), event);
  }

  #tell(): void {
    const events = [...this.#gathered.values()];
    this.#gathered.clear();
    for (const event of events) this.publish(event);
  }
}

function eventsOf(change: EngineChange, asked: Iterable<string>): ServerEvent[] {
  switch (change.kind) {
    case "fleet":
      return [updated(FLEET_URI)];
    case "run": {
      const { runId, ended, listed } = change;
      const results = ended.map((instance) => updated(resultUri(runId, instance)));
      return [updated(runUri(runId)), ...results, ...listChanged(listed)];
    }
    case "session":
      return [updated(sessionUri(change.sessionId)), ...listChanged(change.listed)];
    case "missed":
      return [...[...asked].map(updated), ...listChanged(true)];
  }
}

function updated(uri: string): ServerEvent {
  return { kind: "resource_updated", uri };
}

function listChanged(listed: boolean): ServerEvent[] {
  return listed ? [{ kind: "resources_list_changed" }] : [];
}
