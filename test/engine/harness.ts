import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type * as z from "zod";
import type { DryRunAnswer } from "../../src/core/answers.ts";
import type { CallContext } from "../../src/core/context.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Instance } from "../../src/core/instance.ts";
import type { Clock, Ids, Processes, Store } from "../../src/core/ports.ts";
import * as requests from "../../src/core/requests.ts";
import type { EngineDependencies, Settings } from "../../src/engine/dependencies.ts";
import { createEngine, type Engine } from "../../src/engine/engine.ts";
import { createInstanceClients } from "../../src/instances/clients.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { onEnd } from "../host/harness.ts";
import { systemClock } from "../host/harness-clock.ts";
import { instanceAt } from "../instances/harness.ts";
import type { Fault } from "../support/fault-server.ts";
import { recordingLogger } from "../support/logger.ts";

export const testIds: Ids = {
  random: () => crypto.randomUUID(),
  hash: (secret) => `hash of ${secret}`,
};

/** One living process, unless told that others of these names have ended. */
export function processes(self = "this process", gone: string[] = []): Processes {
  return { self, isGone: (processId) => gone.includes(processId) };
}

export interface TestEngineOptions extends Partial<Omit<EngineDependencies, "settings" | "configured">> {
  /** Instances by name: their URLs, or all of their facts. */
  fleet?: Record<string, string | (Partial<Instance> & { url: string })>;
  settings?: Partial<Settings>;
}

/** An engine over real sockets, whose methods take what a caller writes; it closes with the test. */
export function testEngine({ fleet = {}, settings, ...options }: TestEngineOptions = {}) {
  const clock: Clock = options.clock ?? systemClock;
  const logger = recordingLogger();
  const store = options.store ?? createMemoryStore({ clock });
  const configured = Object.entries(fleet).map(([name, facts]) =>
    typeof facts === "string" ? instanceAt(facts, { name }) : instanceAt(facts.url, { ...facts, name }),
  );
  const deps: EngineDependencies = {
    clock,
    random: () => 0,
    ids: testIds,
    processes: processes(),
    clients: createInstanceClients({ clock, logger, env: {}, fleetKey: () => undefined }),
    ...options,
    logger,
    store,
    configured: () => configured,
    settings: () => ({
      timeoutMs: 20_000,
      waitMs: 20_000,
      retries: 3,
      healthIntervalMs: 60_000,
      ...settings,
    }),
  };
  const engine = createEngine(deps);
  onEnd(() => engine.close());
  return { engine, store, logger, configured, deps, ...shorthand(engine) };
}

const context: CallContext = { createdBy: "test" };
type Facts = Partial<CallContext>;

function shorthand(engine: Engine) {
  return {
    delegate: async (input: z.input<typeof requests.delegateInput>, facts: Facts = {}) =>
      done(await engine.delegate(requests.delegateInput.parse(input), { ...context, ...facts })),
    fanout: async (input: z.input<typeof requests.fanoutInput>, facts: Facts = {}) =>
      done(await engine.fanout(requests.fanoutInput.parse(input), { ...context, ...facts })),
    dryDelegate: async (input: z.input<typeof requests.delegateInput>) =>
      explained(await engine.delegate(requests.delegateInput.parse({ ...input, dryRun: true }), context)),
    dryFanout: async (input: z.input<typeof requests.fanoutInput>) =>
      explained(await engine.fanout(requests.fanoutInput.parse({ ...input, dryRun: true }), context)),
    aggregate: (input: z.input<typeof requests.aggregateInput>) =>
      engine.aggregate(requests.aggregateInput.parse(input)),
    spawn: (input: z.input<typeof requests.sessionsSpawnInput>, facts: Facts = {}) =>
      engine.sessionsSpawn(requests.sessionsSpawnInput.parse(input), { ...context, ...facts }),
    send: (input: z.input<typeof requests.sessionsSendInput>, facts: Facts = {}) =>
      engine.sessionsSend(requests.sessionsSendInput.parse(input), { ...context, ...facts }),
    history: (input: z.input<typeof requests.sessionsHistoryInput>) =>
      engine.sessionsHistory(requests.sessionsHistoryInput.parse(input)),
    sessions: (input: z.input<typeof requests.sessionsListInput> = {}) =>
      engine.sessionsList(requests.sessionsListInput.parse(input)),
    closeSession: (input: z.input<typeof requests.sessionsCloseInput>) =>
      engine.sessionsClose(requests.sessionsCloseInput.parse(input)),
    health: (instances?: string[], detail = false) =>
      engine.health(requests.healthInput.parse({ detail, ...(instances !== undefined && { instances }) })),
    run: async (runId: string, wait?: number) => {
      const answer = await engine.runsGet(requests.runsGetInput.parse({ runId, wait }));
      if (!("outcomes" in answer)) throw new Error("a page was not asked for");
      return answer;
    },
    page: async (runId: string, instance: string, offset = 0) => {
      const answer = await engine.runsGet(requests.runsGetInput.parse({ runId, instance, offset }));
      if (!("text" in answer)) throw new Error("a page was asked for");
      return answer;
    },
    runs: (input: z.input<typeof requests.runsListInput> = {}) =>
      engine.runsList(requests.runsListInput.parse(input)),
    cancel: (runId: string) => engine.runsCancel({ runId }),
  };
}

/** What was to be done, not explained. */
export function done<T extends object>(answer: T | DryRunAnswer): T {
  if ("dryRun" in answer) throw new Error("the work was to be done");
  return answer;
}

function explained(answer: object | DryRunAnswer): DryRunAnswer["explanation"] {
  if (!("dryRun" in answer)) throw new Error("nothing was to be done");
  return answer.explanation;
}

/** What a call was refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<OrchestratorError> {
  const thrown = await call.then(
    (answer) => new Error(`it was answered: ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof OrchestratorError) return thrown;
  throw thrown;
}

/** Acts by the request's method; health polls get an answer of their own. */
export function byMethod(faults: { post: Fault; get?: Fault; delete?: Fault; health?: Fault }): Fault {
  return (socket, request) => {
    const fault =
      request.path === "/api/health/check"
        ? faults.health
        : { POST: faults.post, GET: faults.get, DELETE: faults.delete }[request.method];
    fault?.(socket, request);
  };
}

/** A folder with a SQLite file, gone when the test ends. */
export async function stateFile(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "engine-"));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  return path.join(folder, "state.db");
}

/** A store on a file, which its engine closes. */
export function sqliteAt(file: string): Promise<Store> {
  return openSqliteStore({ path: file, clock: systemClock, logger: recordingLogger() });
}

export function instance(name: string): Instance {
  return instanceAt(`http://${name.toLowerCase()}.test:1`, { name });
}
