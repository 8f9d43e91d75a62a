import { createHash, randomBytes } from "node:crypto";
import type { Clock, Ids } from "../core/ports.ts";

/** The machine's own time; no timer keeps the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** 128 random bits, and SHA-256. */
export const systemIds: Ids = {
  random: () => randomBytes(16).toString("base64url"),
  hash: (secret) => createHash("sha256").update(secret).digest("base64url"),
};
