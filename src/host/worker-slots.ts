import { OrchestratorError } from "../core/errors.ts";
import { writeJson } from "../core/json-text.ts";
import { Line } from "./line.ts";
import type { Worker, WorkerReply, WorkerTask } from "./worker.ts";

/** Hands tasks to the worker, so many at once, in the order in which they come. */
export class WorkerSlots {
  readonly #worker: Worker;
  readonly #line: Line;

  constructor({ worker, concurrency }: { worker: Worker; concurrency: number }) {
    this.#worker = worker;
    this.#line = new Line(concurrency);
  }

  /** How many tasks the worker has now. */
  get inFlight(): number {
    return this.#line.begun;
  }

  get keepsSessions(): boolean {
    return this.#worker.sessions !== false;
  }

  /** The worker's reply; a `null` payload is answered with its description. */
  async run(task: WorkerTask): Promise<WorkerReply> {
    if (task.payload === null) return { result: { ...this.#worker.description } };
    const place = this.#line.append();
    await place.take(task.cancellation);
    try {
      return writable(await this.#worker.run(task));
    } finally {
      place.leave();
    }
  }
}

/** A worker may be anybody's code: what cannot be written down must fail its own task alone. */
function writable(reply: WorkerReply): WorkerReply {
  try {
    writeJson(reply);
  } catch (cause) {
    const { message } = OrchestratorError.from(cause);
    throw new OrchestratorError("instance_error", `The worker's result is no JSON: ${message}`, { cause });
  }
  return { ...reply, result: reply.result ?? null };
}
