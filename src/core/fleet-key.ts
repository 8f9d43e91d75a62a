import { createHmac } from "node:crypto";

/**
 * The key of one instance that the cluster listed, base64url. Orchestrator and instance host both
 * compute it, so that the fleet key itself never goes to an instance, and no instance's key opens another.
 *
 * @param origin the origin that the instance registered, such as `http://10.0.0.5:7501`.
 */
export function fleetCredential(fleetKey: string, name: string, origin: string): string {
  return createHmac("sha256", fleetKey).update(`${name}\n${origin}`).digest("base64url");
}
