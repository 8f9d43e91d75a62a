import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../core/duration.ts";

// Options that more than one command takes, and how their text is read.

/** Where `up` and `serve` listen, and where a cluster is looked for. */
export const DEFAULT_PORT = 7411;

export const configOption = () => new Option("--config <file>", "configuration file (JSON)");

export const hostOption = () =>
  new Option("--host <address>", "address to listen on; beyond loopback a key is required").default(
    "127.0.0.1",
  );

export function portOption(fallback: number): Option {
  return new Option("--port <number>", "port to listen on; 0 for the kernel's choice")
    .default(fallback)
    .argParser(readPort);
}

export function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("Expected 0 to 65535.");
}

export function readCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 1 on.");
}

/** `2/8`: the second of eight equal shares. */
export function readShare(text: string): { index: number; of: number } {
  const [, nth, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const share = { index: Number(nth) - 1, of: Number(of) };
  if (share.index >= 0 && share.index < share.of) return share;
  throw new InvalidArgumentError('Expected a share such as "2/8".');
}

export function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('Expected seconds or text with a unit, such as "10s" or "5m".');
}
