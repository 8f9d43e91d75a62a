import { createHash, randomFillSync } from "node:crypto";
import type { Ids } from "../core/ports.ts";

const ID_BYTES = 16;
const pool = Buffer.alloc(256 * ID_BYTES);
let used = pool.length;

/** 128 random bits, drawn from a pool: asking the system for each id alone costs a tenth of a call. */
function randomId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString("base64url", used, used + ID_BYTES);
  // What has been given out is not kept in memory.
  pool.fill(0, used, used + ID_BYTES);
  used += ID_BYTES;
  return id;
}

/** 128 random bits, and SHA-256. */
export const systemIds: Ids = {
  random: randomId,
  hash: (secret) => createHash("sha256").update(secret).digest("base64url"),
};
