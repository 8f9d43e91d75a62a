import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Cancellation } from "../../core/cancellation.ts";
import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Worker, WorkerDescription, WorkerReply, WorkerTask, WorkerTurn } from "../worker.ts";
import { toJson } from "./to-json.ts";

/** What a handler is told besides the payload. */
export interface ModuleContext {
  /** Aborted when nobody wants the answer any more: stop soon; what is thrown then does not matter. */
  readonly signal: AbortSignal;
  /** In a session: its id, what {@link setState} kept last, and the earlier messages, oldest first. */
  readonly session?: {
    readonly id: string;
    readonly state: Json | undefined;
    readonly history: readonly WorkerTurn[];
  };
  /** Keeps a JSON value for this session's next message; outside a session it throws. */
  setState(state: Json): void;
}

/**
 * What a module exports as `default` (or as `handle`) to do an instance's work. It returns, or resolves to, JSON;
 * nothing counts as `null`. What it throws is the task's failure, with the error's message.
 *
 * ```js
 * export default async (payload, { signal }) => ({ sum: payload.a + payload.b });
 * ```
 */
export type ModuleHandler = (payload: Json, context: ModuleContext) => unknown;

/** What a module may export, as `default` or by these names, to say what it does as well. */
export interface ModuleWorker {
  describe?: () => WorkerDescription;
  handle: ModuleHandler;
}

export interface ModuleOptions {
  /** The file to import. */
  path: string;
}

/** How long a handler whose task was cancelled may take to stop before it is no longer waited for. */
const GRACE_MS = 2000;

/**
 * A worker that calls the handler of a module for every task.
 * @throws OrchestratorError `bad_request` if the file cannot be imported or exports no handler.
 */
export async function createModuleWorker({ path }: ModuleOptions): Promise<Worker> {
  const file = resolve(path);
  const module = workerOf(file, await load(file));
  return {
    description: descriptionOf(file, module),
    run: (task) => runHandler(module, task),
    close: async () => {},
  };
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (cause) {
    const message = `The module "${file}" cannot be imported: ${messageOf(cause)}`;
    throw new OrchestratorError("bad_request", message, {
      action: "Name a JavaScript file that Node can import, and correct what its error says.",
      cause,
    });
  }
}

function workerOf(file: string, module: Record<string, unknown>): ModuleWorker {
  const main = module.default ?? module;
  if (typeof main === "function") return { handle: main as ModuleHandler };
  const { handle, describe } = main as Partial<Record<keyof ModuleWorker, unknown>>;
  if (typeof handle === "function" && (describe === undefined || typeof describe === "function")) {
    return main as ModuleWorker;
  }
  throw new OrchestratorError("bad_request", `The module "${file}" exports no handler.`, {
    action:
      "Export a function (payload, context) => result as default, or { describe?, handle } with functions.",
  });
}

function descriptionOf(file: string, module: ModuleWorker): WorkerDescription {
  if (!module.describe) {
    const does = "Answers with what the handler of its module returns.";
    return { does, payload: "Any JSON that the handler takes.", example: { message: "text" } };
  }
  const { does, payload, example = null } = (module.describe() ?? {}) as Partial<WorkerDescription>;
  if (typeof does === "string" && typeof payload === "string") return { does, payload, example };
  throw new OrchestratorError("bad_request", `"describe" of the module "${file}" returns no description.`, {
    action: "Return { does, payload, example }: two sentences and a payload that works.",
  });
}

async function runHandler(module: ModuleWorker, task: WorkerTask): Promise<WorkerReply> {
  const { payload, session, cancellation } = task;
  cancellation.throwIfCancelled();
  const abort = new AbortController();
  const ignoreCancel = cancellation.onCancel((error) => abort.abort(error));
  const reply: Partial<WorkerReply> = {};
  const context: ModuleContext = {
    signal: abort.signal,
    ...(session && { session: structuredClone(session) }),
    setState(state) {
      if (!session) throw new Error("setState keeps nothing: this task belongs to no session.");
      reply.state = asJson("the state", state);
    },
  };
  try {
    const returned = await unlessOverdue(async () => module.handle(payload, context), cancellation);
    return { ...reply, result: asJson("its result", returned) };
  } catch (thrown) {
    cancellation.throwIfCancelled();
    if (thrown instanceof OrchestratorError) throw thrown;
    const message = `The handler failed: ${messageOf(thrown)}`;
    throw new OrchestratorError("instance_error", message, { delivery: "accepted", cause: thrown });
  } finally {
    ignoreCancel();
  }
}

/** What the work comes to; once cancelled it is waited for no longer than 2 s more. */
function unlessOverdue(work: () => Promise<unknown>, cancellation: Cancellation): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const ignoreCancel = cancellation.onCancel((error) => {
      timer = setTimeout(reject, GRACE_MS, error);
    });
    work()
      .then(resolve, reject)
      .finally(() => {
        ignoreCancel();
        clearTimeout(timer);
      });
  });
}

function asJson(what: string, value: unknown): Json {
  try {
    return toJson(value);
  } catch (cause) {
    throw new TypeError(`${what} is no JSON: ${messageOf(cause)}.`, { cause });
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
