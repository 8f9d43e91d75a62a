import { Child } from "./child.ts";
import type { FaultName } from "./fault-plan.ts";
import { pause } from "./fleet.ts";
import type { Command, OrchestratorFacts, Reply } from "./messages.ts";
import type { SeededRandom } from "./random.ts";

/** What came of a command: its reply, or nothing, since its process was killed. */
export interface Heard {
  pid: number;
  reply?: Reply;
}

interface Member {
  child: Child;
  waiting: Map<number, (heard: Heard) => void>;
}

/** So long may a process that lives take to answer: more than any timeout and any stop. */
const PATIENCE_MS = 60_000;

/** Several orchestrator processes on one store, which are killed, stopped and replaced. */
export class Orchestrators {
  /** Processes that were killed or stopped. */
  readonly disturbed = new Set<number>();
  /** What went wrong with the processes themselves. */
  readonly failures: string[] = [];
  readonly #script: string;
  readonly #facts: OrchestratorFacts;
  readonly #onFault: (fault: FaultName) => void;
  readonly #dying = new Set<Child>();
  #members: Member[] = [];
  #ids = 0;

  constructor(script: string, facts: OrchestratorFacts, onFault: (fault: FaultName) => void) {
    this.#script = script;
    this.#facts = facts;
    this.#onFault = onFault;
  }

  async start(count: number): Promise<void> {
    this.#members = await Promise.all(Array.from({ length: count }, () => this.#spawn()));
  }

  /** Has one of those that run make a call. */
  async ask(random: SeededRandom, command: Omit<Command, "id">): Promise<Heard> {
    for (;;) {
      const running = this.#members.filter(({ child }) => child.running);
      if (running.length === 0) await pause(20);
      else return this.#ask(random.one(running), { ...command, id: this.#ids++ });
    }
  }

  #ask({ child, waiting }: Member, command: Command): Promise<Heard> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.failures.push(`process ${child.pid} has not answered ${JSON.stringify(command).slice(0, 300)}`);
        end({ pid: child.pid });
      }, PATIENCE_MS);
      const end = (heard: Heard) => {
        clearTimeout(timer);
        waiting.delete(command.id);
        resolve(heard);
      };
      waiting.set(command.id, end);
      child.say(command);
    });
  }

  /** Kills one in the middle of whatever it does, and starts another on the same store. */
  async kill(random: SeededRandom): Promise<void> {
    const place = random.between(0, this.#members.length - 1);
    const { child } = this.#members[place] as Member;
    // Another kill is about to replace it.
    if (this.#dying.has(child)) return;
    this.#dying.add(child);
    this.disturbed.add(child.pid);
    this.#onFault("SIGKILL of an orchestrator");
    await child.kill();
    this.#members[place] = await this.#spawn();
  }

  async freeze(random: SeededRandom, ms: number): Promise<void> {
    const { child } = random.one(this.#members);
    if (!child.running) return;
    this.disturbed.add(child.pid);
    this.#onFault("SIGSTOP of an orchestrator");
    child.stop();
    await pause(ms);
    child.wake();
  }

  /** Ends each in good order. */
  async close(): Promise<void> {
    await Promise.all(
      this.#members.map(async ({ child }) => {
        this.disturbed.add(child.pid);
        if (!(await child.finish(25_000)))
          this.failures.push(`process ${child.pid} did not end when told to`);
      }),
    );
  }

  async #spawn(): Promise<Member> {
    const waiting = new Map<number, (heard: Heard) => void>();
    const child = new Child(this.#script, this.#facts, (line) => {
      const reply = line as Reply;
      waiting.get(reply.id)?.({ pid: child.pid, reply });
    });
    void child.ended.then(() => {
      if (!this.disturbed.has(child.pid))
        this.failures.push(`process ${child.pid} ended by itself: ${child.errors.slice(0, 2_000)}`);
      for (const end of [...waiting.values()]) end({ pid: child.pid });
    });
    await child.ready;
    return { child, waiting };
  }
}
