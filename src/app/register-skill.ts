import { type ClusterRegistration, createRegistration } from "../cluster/client.ts";
import type { Logger } from "../core/ports.ts";
import type { Keys } from "./app.ts";
import { systemClock } from "./clock.ts";

/** This skill's place among the members of a cluster; of none while `url` is absent. */
export interface SkillRegistration {
  url?: string | undefined;
  close(): Promise<void>;
}

export const UNREGISTERED: SkillRegistration = { close: async () => {} };

/** Registers this skill with a cluster; a change of cluster moves the registration. */
export function registerSkill(
  { keys, logger }: { keys: Keys; logger: Logger },
  before: SkillRegistration,
  url: string | undefined,
): SkillRegistration {
  if (before.url === url) return before;
  void before.close();
  if (url === undefined) return UNREGISTERED;
  const registration: ClusterRegistration = createRegistration({
    url,
    body: { skillId: "orchestrator" },
    apiKey: keys.apiKey,
    clock: systemClock,
    random: Math.random,
    logger,
  });
  registration.start();
  return { url, close: () => registration.close() };
}
