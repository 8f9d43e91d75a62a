import type { Json } from "../../src/core/json.ts";
import type { Answer, Call, InstanceClient, InstanceClients, Store } from "../../src/core/ports.ts";
import type { Run } from "../../src/core/run.ts";
import { bodyPad, type OverLimit } from "./sizes.ts";

// Engines that break a promise on purpose, made by changing what the engine is given: the checker
// must find each of them out.

export const SABOTAGES = [
  "skip the journal",
  "another key on retry",
  "fall back after unknown",
  "forget the keys",
] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** Clients that tell each worker the key of its task, so that the ledger has it, and fill its payload up. */
export function stamped(clients: InstanceClients): InstanceClients {
  return changed(clients, (send) => (call) => {
    const planned = call.payload as Record<string, Json>;
    const payload = { ...planned, key: call.key, ...bodyPad(planned.over as OverLimit | undefined) };
    return send({ ...call, payload });
  });
}

export function sabotagedClients(clients: InstanceClients, sabotage: Sabotage | undefined): InstanceClients {
  if (sabotage === "another key on retry") {
    let requests = 0;
    return changed(clients, (send) => (call) => send({ ...call, key: `${call.key}~${requests++}` }));
  }
  if (sabotage !== "fall back after unknown") return clients;
  return changed(clients, (send) => async (call) => {
    const answer = await send(call);
    if (answer.delivery !== "unknown") return answer;
    return { delivery: "not_sent", reply: "none", again: "later", error: answer.error };
  });
}

/** A store that keeps runs only once they have ended, or one that forgets which run a key stands for. */
export function sabotagedStore(store: Store, sabotage: Sabotage | undefined): Store {
  if (sabotage === "forget the keys") {
    return overriding(store, {
      get: async (key) => (key.startsWith("key/") ? undefined : store.get(key)),
      put: (key, value, options) => {
        const { ifVersion: _, ...rest } = options ?? {};
        return store.put(key, value, key.startsWith("key/") ? rest : options);
      },
    });
  }
  if (sabotage !== "skip the journal") return store;
  let unwritten = 2 ** 40;
  return overriding(store, {
    async put(key, value, options) {
      if (!key.startsWith("run/")) return store.put(key, value, options);
      if ((JSON.parse(value) as Run).endedAt === undefined) return unwritten++;
      const { ifVersion: _, ...rest } = options ?? {};
      return store.put(key, value, rest);
    },
  });
}

type Send = (call: Call) => Promise<Answer>;

/** Clients whose requests that carry work go through `change`; questions and cancels go as they are. */
function changed(clients: InstanceClients, change: (send: Send) => Send): InstanceClients {
  return overriding(clients, {
    of(instance) {
      const client = clients.of(instance);
      const message: InstanceClient["message"] = (remoteId, epoch, seq, call) =>
        change((next) => client.message(remoteId, epoch, seq, next))(call);
      return overriding(client, { send: change((call) => client.send(call)), message });
    },
  });
}

/** The same object with some methods replaced, however many others it has. */
function overriding<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(name in own ? own : target, name, name in own ? own : target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
