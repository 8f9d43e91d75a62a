import type { Logger } from "../../src/core/ports.ts";

export interface LogLine {
  level: keyof Logger;
  facts: Record<string, unknown>;
  message: string;
}

/** A logger that keeps its lines for a test to read. */
export function recordingLogger(): Logger & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (facts: object, message: string) => {
    lines.push({ level, facts: { ...facts }, message });
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
