import { asks } from "../core/aggregation/strategy.ts";
import type * as calls from "../core/calls.ts";
import type { EngineChange } from "../core/changes.ts";
import type { CallContext } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { CallOptions, Orchestrator } from "../core/orchestrator.ts";
import type { Clock } from "../core/ports.ts";
import type { Engine } from "../engine/engine.ts";
import { asSent } from "./as-sent.ts";
import { LONGEST_WAIT_MS } from "./call-context.ts";
import { UnheardCalls } from "./unheard-calls.ts";

/** How long {@link Engine.close} waits for calls that may not have reached the server yet. */
const CLOSE_GRACE_MS = 2_000;

/** A server that is reached and says nothing is given up before clients give the call up, a minute after they made it. */
const GIVEN_UP_MS = LONGEST_WAIT_MS + 5_000;

/** A running server, as its client shows it. */
type Server = Orchestrator &
  Pick<Engine, "runsAnswer" | "keepAnswer"> & {
    changes(options: { signal: AbortSignal }): AsyncIterable<EngineChange>;
  };

/** A call of work, as far as it matters here. */
interface WorkCall extends calls.RepetitionOptions {
  dryRun?: boolean | undefined;
  resume?: string | undefined;
}

/**
 * The engine of a running server, as tools call it. Work is the server's: it goes on when this process ends. A
 * call whose answer reached nobody is answered to the identical one, as the engine itself does.
 *
 * @param connect Called once, for the first call; what it throws is each call's error.
 */
export function remoteEngine(connect: () => Server, clock: Clock): Engine {
  let connected: Server | undefined;
  const server = () => {
    connected ??= connect();
    return connected;
  };
  const unheard = new UnheardCalls(clock);
  const underWay = new Set<Promise<unknown>>();
  const watches = new Set<AbortController>();
  const during = <T>(answer: Promise<T>): Promise<T> => {
    underWay.add(answer);
    const over = () => underWay.delete(answer);
    answer.then(over, over);
    return answer;
  };

  /**
   * @param key What the call is asked for again by: it may have arrived.
   * @param begun Resolves when the server has said that it works on it: then it may take any time.
   */
  const inTime = <T>(answer: Promise<T>, key?: string, begun?: Promise<void>): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = clock.after(GIVEN_UP_MS, () => reject(silent(key)));
      answer.then(resolve, reject).finally(stop);
      void begun?.then(stop);
    });

  function work<C extends WorkCall, A extends object>(
    operation: string,
    call: (call: C, options: CallOptions) => Promise<A>,
  ) {
    return (input: object, context: Partial<CallContext> = {}): Promise<A> => {
      const sent = asSent<C>(input);
      const { options, begun } = watched(optionsOf(context));
      // A plan is resumed by its own id.
      if (sent.dryRun || sent.resume !== undefined) return during(inTime(call(sent, options)));
      const make = (keyed: C & { idempotencyKey: string }) =>
        inTime(call(keyed, options), keyed.idempotencyKey, begun);
      return during(unheard.call(operation, sent, context.gone, make));
    };
  }
  const plain = <C extends object, A>(call: (call: C) => Promise<A>) => {
    return async (input: object) => during(inTime(call(asSent<C>(input))));
  };
  const asking = work<calls.AggregateCall & WorkCall, Awaited<ReturnType<Orchestrator["aggregate"]>>>(
    "aggregate",
    async (call, options) => server().aggregate(call, options),
  );

  return {
    delegate: work("delegate", async (call: calls.DelegateCall, options) => server().delegate(call, options)),
    fanout: work("fanout", async (call: calls.FanoutCall, options) => server().fanout(call, options)),
    orchestrate: work("orchestrate", async (call: calls.OrchestrateCall, options) =>
      server().orchestrate(call, options),
    ),
    aggregate: async (input, context = {}) =>
      asks(input.strategy)
        ? asking(input, context)
        : during(inTime(server().aggregate(asSent<calls.AggregateCall>(input), optionsOf(context)))),
    sessionsSpawn: plain((call: calls.SessionsSpawnCall) => server().sessionsSpawn(call)),
    sessionsSend: work("sessions_send", async (call: calls.SessionsSendCall, options) =>
      server().sessionsSend(call, options),
    ),
    sessionsList: plain((call: calls.PageCall) => server().sessionsList(call)),
    sessionsHistory: plain((call: calls.SessionsHistoryCall) => server().sessionsHistory(call)),
    sessionsClose: plain((call: calls.SessionsCloseCall) => server().sessionsClose(call)),
    health: plain((call: calls.HealthCall) => server().health(call)),
    runsGet: plain((call: calls.RunsGetCall) => server().runsGet(call)),
    runsList: plain((call: calls.PageCall) => server().runsList(call)),
    runsCancel: plain((call: calls.RunsCancelCall) => server().runsCancel(call)),
    runsAnswer: plain((call: calls.RunsAnswerCall) => server().runsAnswer(call)),
    keepAnswer: plain((call: calls.KeepAnswerCall) => server().keepAnswer(call)),
    async *runsEvents(input, { stop } = {}) {
      const over = new AbortController();
      stop?.onCancel(() => over.abort());
      yield* server().runsEvents(asSent<calls.RunsEventsCall>(input), { signal: over.signal });
    },
    watch(listener) {
      const over = new AbortController();
      watches.add(over);
      const tell = async () => {
        for await (const change of server().changes({ signal: over.signal })) listener(change);
      };
      // A server that cannot be called tells nothing; what is wrong each call says.
      void tell().catch(() => {});
      return () => {
        watches.delete(over);
        over.abort();
      };
    },
    // The fleet is the server's to look after.
    start: () => {},
    cancelAll: async () => {},
    async close() {
      for (const over of watches) over.abort();
      const grace = new Promise<void>((resolve) => clock.after(CLOSE_GRACE_MS, resolve));
      await Promise.race([Promise.allSettled(underWay), grace]);
      await connected?.close();
    },
  };
}

function silent(key: string | undefined): OrchestratorError {
  const again =
    key === undefined ? "" : ` with the idempotencyKey ${JSON.stringify(key)}, so that nothing is done twice`;
  return new OrchestratorError("timeout", `The server did not answer within ${GIVEN_UP_MS / 1000} s.`, {
    action: `See whether the server of --url or ORCHESTRATOR_URL runs, then make the call again${again}.`,
    ...(key !== undefined && { delivery: "unknown", details: { idempotencyKey: key } }),
  });
}

/** The same, and when its run is known to a caller who asks for that, and then waits for no answer. */
function watched(options: CallOptions): { options: CallOptions; begun?: Promise<void> } {
  const { onRun } = options;
  if (!onRun) return { options };
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const tell = (runId: string) => {
    begin();
    onRun(runId);
  };
  return { options: { ...options, onRun: tell }, begun };
}

function optionsOf({ cancellation, onRun, onProgress }: Partial<CallContext>): CallOptions {
  const cancelled = new AbortController();
  cancellation?.onCancel(() => cancelled.abort());
  return {
    signal: cancelled.signal,
    ...(onRun && { onRun }),
    ...(onProgress && { onProgress }),
  };
}
