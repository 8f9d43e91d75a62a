import { EXIT } from "./exit.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** A call that Ctrl-C or SIGTERM cancels. */
export interface Interruption {
  /** Aborts at the first of them; the second one ends the process at once. */
  signal: AbortSignal;
  /** From here on they end the process as usual. */
  end(): void;
}

/** @param onFirst Called at the first one. */
export function listenForInterruption(onFirst: () => void): Interruption {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    onFirst();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    end: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
