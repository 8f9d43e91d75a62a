import type { RemoteView } from "../core/answers.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Session } from "../core/session.ts";
import type { EngineParts } from "./parts.ts";
import { findOwner, ownerDown } from "./session-owner.ts";
import { remoteView } from "./views.ts";

/**
 * What a session's owner itself keeps of it.
 *
 * @throws OrchestratorError `bad_request` where its protocol does not tell; the owner's own refusal.
 */
export async function remoteTranscript(parts: EngineParts, session: Session): Promise<RemoteView> {
  const { instance, origin, remoteId } = session;
  const owner = await findOwner(parts, session);
  if (!owner) throw ownerDown(session, `${instance} at ${origin} is not in the fleet`);
  const kept = await parts.clients.of(owner).transcript?.(remoteId);
  if (kept) return remoteView(kept);
  throw new OrchestratorError(
    "bad_request",
    `remote: ${instance} (protocol ${owner.protocol}) does not tell what it keeps of a session.`,
    { instance, action: "Leave out remote: the transcript that is kept here has every message." },
  );
}
