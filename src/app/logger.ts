import { pino } from "pino";
import type { Logger } from "../core/ports.ts";

const LEVELS = new Set(["trace", "debug", "info", "warn", "error", "fatal", "silent"]);

/** JSON lines on stderr, written at once: stdout belongs to frames and results. */
export function createLogger(env: Record<string, string | undefined>, fallback = "info"): Logger {
  const named = env.ORCHESTRATOR_LOG_LEVEL;
  const level = named !== undefined && LEVELS.has(named) ? named : fallback;
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  if (named !== undefined && level !== named) {
    logger.warn({ named, known: [...LEVELS] }, "ORCHESTRATOR_LOG_LEVEL is no level; the default is used");
  }
  return logger;
}
