import type { Logger } from "../core/ports.ts";
import type { WholeEngine } from "../engine/engine.ts";

/** What resolves later in an engine that is there already. */
const METHODS = [
  ...["delegate", "fanout", "orchestrate", "aggregate"],
  ...["sessionsSpawn", "sessionsSend", "sessionsList", "sessionsHistory", "sessionsClose"],
  ...["health", "runsGet", "runsList", "runsCancel", "runsAnswer", "keepAnswer", "known", "cancelAll"],
] as const;

/** An engine that is loaded with the first call: whoever starts it waits for none of it. */
export function lazyEngine(load: () => Promise<WholeEngine>): WholeEngine {
  const later = (name: string) => {
    return async (...args: unknown[]) => {
      const engine = (await load()) as unknown as Record<string, (...args: unknown[]) => unknown>;
      return engine[name]?.(...args);
    };
  };
  return {
    ...(Object.fromEntries(METHODS.map((name) => [name, later(name)])) as unknown as WholeEngine),
    async *runsEvents(input, watching) {
      yield* (await load()).runsEvents(input, watching);
    },
    watch(listener, viewer) {
      let stop = () => {};
      let stopped = false;
      void load().then((engine) => {
        if (!stopped) stop = engine.watch(listener, viewer);
      });
      return () => {
        stopped = true;
        stop();
      };
    },
    start: () => void load().then((engine) => engine.start()),
    close: async (graceMs) => (await load()).close(graceMs),
  };
}

/** A logger that is loaded with the first line. */
export function lazyLogger(load: () => Promise<Logger>): Logger {
  const later = (level: keyof Logger) => (facts: object, message: string) => {
    void load().then((logger) => logger[level](facts, message));
  };
  return { debug: later("debug"), info: later("info"), warn: later("warn"), error: later("error") };
}
