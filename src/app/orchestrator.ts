import type * as z from "zod";
import type { RunsEventsCall } from "../core/calls.ts";
import { Cancellation } from "../core/cancellation.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { CallOptions, Orchestrator } from "../core/orchestrator.ts";
import * as requests from "../core/requests.ts";
import type { RunEvent } from "../core/run-answers.ts";
import { validate } from "../core/validate.ts";
import { type AppOptions, createApp } from "./app.ts";

export interface OpenOptions extends AppOptions {
  /** Who makes the calls, as runs and sessions record it: `cli`, `import`. */
  createdBy: string;
  /** Also polls health and takes up what other processes left open. */
  start?: boolean;
}

/** The engine in this process behind the interface that the REST client has too. */
export function openOrchestrator({ createdBy, start = false, ...options }: OpenOptions): Orchestrator {
  const app = createApp(options);
  const { engine } = app;
  if (start) engine.start();
  const context = (call: CallOptions = {}): CallContext => ({
    createdBy,
    ...(call.onRun && { onRun: call.onRun }),
    ...(call.onProgress && { onProgress: call.onProgress }),
    ...(call.signal && { cancellation: cancelledBy(call.signal) }),
  });
  /** Whatever is thrown is one of ours. */
  async function calling<S extends z.ZodType, T>(
    schema: S,
    call: unknown,
    use: (input: z.output<S>) => Promise<T>,
  ): Promise<T> {
    const rest = stayAlive();
    try {
      return await use(validate(schema, call));
    } catch (error) {
      throw OrchestratorError.from(error);
    } finally {
      rest();
    }
  }
  async function* events(call: RunsEventsCall, signal: AbortSignal | undefined): AsyncGenerator<RunEvent> {
    const rest = stayAlive();
    try {
      const stop = signal && cancelledBy(signal);
      yield* engine.runsEvents(validate(requests.runsEventsInput, call), { ...(stop && { stop }) });
    } catch (error) {
      throw OrchestratorError.from(error);
    } finally {
      rest();
    }
  }
  return {
    delegate: (call, options) =>
      calling(requests.delegateInput, call, (input) => engine.delegate(input, context(options))),
    fanout: (call, options) =>
      calling(requests.fanoutInput, call, (input) => engine.fanout(input, context(options))),
    orchestrate: (call, options) =>
      calling(requests.orchestrateInput, call, (input) => engine.orchestrate(input, context(options))),
    aggregate: (call, options) =>
      calling(requests.aggregateInput, call, (input) => engine.aggregate(input, context(options))),
    sessionsSpawn: (call) =>
      calling(requests.sessionsSpawnInput, call, (input) => engine.sessionsSpawn(input, context())),
    sessionsSend: (call, options) =>
      calling(requests.sessionsSendInput, call, (input) => engine.sessionsSend(input, context(options))),
    sessionsList: (call = {}) =>
      calling(requests.sessionsListInput, call, (input) => engine.sessionsList(input)),
    sessionsHistory: (call) =>
      calling(requests.sessionsHistoryInput, call, (input) => engine.sessionsHistory(input)),
    sessionsClose: (call) =>
      calling(requests.sessionsCloseInput, call, (input) => engine.sessionsClose(input)),
    health: (call = {}) => calling(requests.healthInput, call, (input) => engine.health(input)),
    runsGet: (call) => calling(requests.runsGetInput, call, (input) => engine.runsGet(input)),
    runsList: (call = {}) => calling(requests.runsListInput, call, (input) => engine.runsList(input)),
    runsCancel: (call) => calling(requests.runsCancelInput, call, (input) => engine.runsCancel(input)),
    runsEvents: (call, { signal } = {}) => events(call, signal),
    close: () => app.close().finally(stayAlive()),
  };
}

/** No timer of the engine keeps a process alive: a call that only waits for one must. */
function stayAlive(): () => void {
  const timer = setInterval(() => {}, 2 ** 30);
  return () => clearInterval(timer);
}

function cancelledBy(signal: AbortSignal): Cancellation {
  const cancellation = new Cancellation();
  if (signal.aborted) cancellation.cancel();
  else signal.addEventListener("abort", () => cancellation.cancel(), { once: true });
  return cancellation;
}
