import { isDeepStrictEqual } from "node:util";
import { type Instance, instanceId } from "../core/instance.ts";
import type { Clock, InstanceClient, InstanceClients, Logger } from "../core/ports.ts";
import type { Protocol } from "../core/protocol.ts";
import { A2aClient } from "./a2a.ts";
import { Authorization } from "./authorization.ts";
import { Channel } from "./channel.ts";
import { DEFAULT_LIMITS, Http, type HttpLimits } from "./http.ts";
import { OpenAiClient } from "./openai.ts";
import { OpenClawClient } from "./openclaw.ts";
import { RestClient } from "./rest.ts";

/** Past the wait that it was granted, an instance has so long to answer at all. */
const GRACE_MS = 10_000;

export interface InstanceClientsOptions {
  clock: Clock;
  logger: Logger;
  /** Where `apiKeyEnv` variables are looked up. */
  env: Record<string, string | undefined>;
  /** The fleet key now, for instances that the cluster listed. */
  fleetKey: () => string | undefined;
  /** Times are milliseconds, sizes bytes. */
  limits?: Partial<HttpLimits & { graceMs: number }>;
}

/** How each protocol is spoken. */
const SPOKEN: Record<Protocol, (channel: Channel, instance: Instance, graceMs: number) => InstanceClient> = {
  rest: (channel, _instance, graceMs) => new RestClient(channel, graceMs),
  openclaw: (channel, instance, graceMs) => new OpenClawClient(channel, instance, graceMs),
  a2a: (channel, instance, graceMs) => new A2aClient(channel, instance, graceMs),
  openai: (channel, instance) => new OpenAiClient(channel, instance),
};

interface Known {
  instance: Instance;
  client: InstanceClient;
  authorization: Authorization;
}

/** Clients of instances over HTTP: one a name and origin, one pool of connections an origin. */
export function createInstanceClients(options: InstanceClientsOptions): InstanceClients {
  const { clock } = options;
  const { graceMs = GRACE_MS, ...limits } = options.limits ?? {};
  const http = new Http(clock, { ...DEFAULT_LIMITS, ...limits });
  const known = new Map<string, Known>();

  function learn(instance: Instance, before: Known | undefined): Known {
    // A refused credential stays refused under a changed configuration, unless its value has changed.
    const authorization = before?.authorization ?? new Authorization(options, instance);
    if (before) authorization.configure(instance);
    const channel = new Channel({ clock, http, authorization }, instance);
    const client = SPOKEN[instance.protocol](channel, instance, graceMs);
    return { instance, client, authorization };
  }

  return {
    of(instance) {
      const id = instanceId(instance);
      const before = known.get(id);
      if (before && (before.instance === instance || isDeepStrictEqual(before.instance, instance)))
        return before.client;
      const now = learn(instance, before);
      known.set(id, now);
      return now.client;
    },
    close: () => http.close(),
  };
}
