import { createHash } from "node:crypto";

/** What a key may do. `send` may also read, and `admin` everything, with what others made. */
export const SCOPES = ["read", "send", "register", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** A key that a server accepts, without the key itself. */
export interface AcceptedKey {
  /** Who has it, in logs and as the creator of runs; absent for the one key that is all there is. */
  name?: string;
  /** As {@link hashKey} gives it. */
  hash: string;
  scopes: readonly Scope[];
  /** Requests a minute; the server's own limit when absent. */
  requestsPerMinute?: number;
}

/** Such as `sha256-…`, base64url. A key is random, so that no slower hash is needed. */
export function hashKey(key: string): string {
  return `sha256-${createHash("sha256").update(key).digest("base64url")}`;
}

/** A key that may do everything, by its text. */
export function adminKey(key: string): AcceptedKey {
  return { hash: hashKey(key), scopes: ["admin"] };
}

const IMPLIED: Record<Scope, readonly Scope[]> = {
  read: ["read"],
  send: ["send", "read"],
  register: ["register"],
  admin: SCOPES,
};

/** Whether one of these scopes covers what is needed. */
export function covers(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.some((scope) => IMPLIED[scope].includes(needed));
}
