import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { InstanceClients, OpenSession, Random } from "../core/ports.ts";

/** A session as its owner has opened it. */
export interface Opened {
  instance: Instance;
  remoteId: string;
}

/** Why none of the candidates has opened the session. */
export interface Unopened {
  refusals: string[];
  last?: OrchestratorError;
}

/** The first candidate that opens the session. Opening is no work: it may be tried at one after another. */
export async function openAtFirst(
  clients: InstanceClients,
  candidates: readonly Instance[],
  session: OpenSession,
): Promise<Opened | Unopened> {
  const unopened: Unopened = { refusals: [] };
  for (const instance of candidates) {
    try {
      return { instance, ...(await openAt(clients, instance, session)) };
    } catch (error) {
      session.cancellation.throwIfCancelled();
      unopened.last = OrchestratorError.from(error);
      unopened.refusals.push(unopened.last.message.replace(/\.$/, ""));
    }
  }
  return unopened;
}

async function openAt(
  clients: InstanceClients,
  instance: Instance,
  session: OpenSession,
): Promise<{ remoteId: string }> {
  const client = clients.of(instance);
  if (session.history?.length && !client.capabilities.history) {
    const { name, protocol } = instance;
    throw new OrchestratorError(
      "bad_request",
      `${name} (protocol ${protocol}) cannot take a session's history`,
      { instance: name, delivery: "not_sent" },
    );
  }
  return client.openSession(session);
}

/** In a random order, so that not every session lands at the first of the fleet. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
