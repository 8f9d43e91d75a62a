import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { CancelAnswer, InstanceClient, NotSent, Probe } from "../core/ports.ts";

/** Stands for an instance whose protocol this version cannot speak: everything says so, nothing is sent. */
export function unspoken({ name, protocol }: Instance): InstanceClient {
  const reason = `protocol ${protocol} cannot be spoken by this version`;
  const error = new OrchestratorError("bad_request", `${name}: ${reason}.`, {
    instance: name,
    delivery: "not_sent",
    action: "Name an instance of protocol rest, or upgrade.",
  });
  const notSent: NotSent = { delivery: "not_sent", reply: "none", again: "never", error };
  const untold: CancelAnswer = { known: "unknown", error };
  const probe: Probe = { state: "down", reason, latencyMs: 0 };
  return {
    capabilities: {
      idempotency: false,
      cancel: false,
      async: false,
      sessions: false,
      history: false,
      streaming: false,
    },
    send: async () => notSent,
    ask: async () => notSent,
    cancel: async () => untold,
    check: async () => probe,
    openSession: async () => Promise.reject(error),
    message: async () => notSent,
    closeSession: async () => Promise.reject(error),
  };
}
