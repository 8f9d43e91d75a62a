import { asks } from "../core/aggregation/strategy.ts";
import type { CallContext, Viewer } from "../core/context.ts";
import { covers, type Scope } from "../core/keys.ts";
import type { Engine } from "../engine/engine.ts";
import { type Caller, demandScope } from "../server/guards.ts";
import { leaving } from "./orchestrator-api.ts";

/**
 * The engine as one caller may use it, whatever the face in between asks for: with the scopes of its key, seeing
 * what it may see, and held open no longer than a request may be.
 *
 * @param draining Set once the server is about to end: new work is refused then.
 */
export function engineFor(engine: Engine, caller: Caller, draining: () => boolean): Engine {
  const who = whoIs(caller);
  const needs = (scope: Scope) => demandScope(caller, scope);
  const seeing = (scope: Scope) => {
    return <I extends object, A>(call: (input: I, viewer: Viewer) => Promise<A>) => {
      return async (input: I, viewer: Viewer = {}) => {
        needs(scope);
        return call(input, { ...viewer, ...who });
      };
    };
  };
  const [read, end] = [seeing("read"), seeing("send")];
  const work = <I extends object, A>(call: (input: I, context: CallContext) => Promise<A>) => {
    return async (input: I, context: CallContext) => {
      needs("send");
      if (draining()) throw leaving();
      return call(input, { ...context, ...who });
    };
  };
  const asking = work(engine.aggregate);
  const folding = read(engine.aggregate);
  const { known } = engine;
  // Each by its name: what the engine can do besides is nobody's here until it is said who may have it.
  return {
    delegate: work(engine.delegate),
    fanout: work(engine.fanout),
    orchestrate: work(engine.orchestrate),
    aggregate: (input, context = {}) =>
      asks(input.strategy) ? asking(input, context as CallContext) : folding(input, context),
    sessionsSpawn: work(engine.sessionsSpawn),
    sessionsSend: work(engine.sessionsSend),
    sessionsList: read(engine.sessionsList),
    sessionsHistory: read(engine.sessionsHistory),
    sessionsClose: end(engine.sessionsClose),
    health: read(engine.health),
    runsGet: read(engine.runsGet),
    runsList: read(engine.runsList),
    runsCancel: end(engine.runsCancel),
    runsAnswer: read(engine.runsAnswer),
    keepAnswer: end(engine.keepAnswer),
    ...(known && {
      known: async () => {
        needs("read");
        return known();
      },
    }),
    watch: (listener, viewer) => {
      needs("read");
      return engine.watch(listener, { ...viewer, ...who });
    },
    runsEvents: (input, watching) => {
      needs("read");
      return engine.runsEvents(input, { ...watching, ...who });
    },
    start: engine.start,
    cancelAll: engine.cancelAll,
    close: engine.close,
  };
}

/**
 * Who made what a caller makes: its key, where that has a name, else what the client calls itself. No client can
 * call itself what a key is called here.
 */
function whoIs({ name, scopes }: Caller): Viewer & { createdBy?: string } {
  const createdBy = name === undefined ? undefined : `mcp:key:${name}`;
  return {
    ...(createdBy !== undefined && { createdBy }),
    ...(!covers(scopes, "admin") && { only: createdBy ?? "mcp:key:" }),
  };
}
