import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Session } from "../core/session.ts";
import type { EngineParts } from "./parts.ts";

type Owner = Pick<Session, "instance" | "origin">;

/** The instance that owns a session, by its exact name and origin; the cluster is asked again before it is given up. */
export async function findOwner(
  { fleet }: EngineParts,
  { instance, origin }: Owner,
): Promise<Instance | undefined> {
  const find = async () =>
    (await fleet.known()).find((each) => each.name === instance && each.origin === origin);
  const known = await find();
  if (known) return known;
  // A name that is gone may read as a range (`A-C`): what that picks, or that it picks nobody, is no matter.
  await fleet.select([instance]).catch(() => {});
  return find();
}

/** Why a message need not be tried at the owner of a session that may move, if so. */
export async function whyDown(
  { health }: EngineParts,
  session: Session,
  owner: Instance | undefined,
): Promise<string | undefined> {
  if (!owner) return `${session.instance} at ${session.origin} is not in the fleet`;
  if (session.onInstanceDown !== "migrate" || health.of(owner).state !== "down") return undefined;
  // A move cannot be undone: what is believed is looked at once more.
  await health.check([owner]);
  const { state, reason } = health.of(owner);
  return state === "down" ? `${owner.name}: ${reason}` : undefined;
}

/** What a send says whose session has nobody to answer. */
export function ownerDown(
  { sessionId, instance }: Owner & Pick<Session, "sessionId">,
  why: string,
): OrchestratorError {
  return new OrchestratorError(
    "instance_down",
    `Session ${sessionId} is owned by ${instance}, which is down: ${why.replace(/\.$/, "")}.`,
    {
      instance,
      delivery: "not_sent",
      action: `Bring ${instance} back and send again, or close the session and spawn another: the transcript is kept.`,
    },
  );
}
