import type { AggregationStrategy } from "../core/aggregation/strategy.ts";
import type { BalancingStrategy } from "../core/balancing.ts";
import type { Orchestrator } from "../core/orchestrator.ts";

/** What runs until it is told to stop. */
export interface Running {
  /** Finishes what runs, at most `graceMs` long, and refuses what is new; then lets go. */
  stop(graceMs: number): Promise<void>;
  /** Ctrl-C: cancels what runs, and waits until its instances have said what became of it. */
  interrupt?(): Promise<void>;
  /** Resolves when it has ended by itself. */
  ended?: Promise<void>;
}

/** What an instance's tasks are done by. */
/** How the program of a worker runs. */
export interface ProgramChoice {
  cwd?: string;
  /** Names of the variables that it gets besides the basic ones. */
  env?: string[];
  timeoutMs?: number;
  /** Bytes. */
  outputLimit?: number;
}

export type WorkerChoice =
  | { kind: "search"; root?: string; only?: string[]; share?: { index: number; of: number } }
  | ({ kind: "exec"; command: string[] } & ProgramChoice)
  | ({ kind: "agent"; agent: string; args: string[] } & ProgramChoice)
  | { kind: "module"; path: string };

export interface InstanceCommand {
  name: string;
  worker: WorkerChoice;
  host: string;
  port: number;
  url?: string;
  tags: string[];
  cluster?: string;
  concurrency?: number;
  queue?: number;
  apiKeyEnv?: string;
  config?: string;
}

export interface StartedInstance {
  instance: string;
  url: string;
  pid: number;
  /** What the worker has to say of itself, such as how much it has indexed. */
  facts: Record<string, unknown>;
}

export interface ServeCommand {
  config?: string;
  host: string;
  port: number;
  instance?: NestedFleet;
}

/** A fleet that is an instance of another one, and how its tasks are passed on. */
export interface NestedFleet {
  name: string;
  pool: string;
  mode: "delegate" | "fanout";
  pick?: BalancingStrategy;
  aggregate?: AggregationStrategy;
  cluster?: string;
  url?: string;
  tags?: string[];
}

export interface UpCommand {
  names: string[];
  worker: WorkerChoice;
  host: string;
  port: number;
}

/** What `up` tells while the fleet comes up and while it runs. */
export type UpEvent =
  | { event: "progress"; instance: string; done: number; total: number }
  | { event: "started"; instance: StartedInstance }
  | { event: "ended"; instance: string; how: string };

export interface Finding {
  what: string;
  ok: boolean;
  found: string;
  action?: string;
}

/** Show only these tools, or only those that change nothing. */
export interface ToolChoice {
  only?: readonly string[] | undefined;
  readOnly?: boolean;
}

/** What the commands do; the program hands them in, and this folder only reads words and shapes output. */
export interface Actions {
  version: string;
  /** The script that is this command line. */
  program: string;
  /** On stdio; with `url` over the engine of a running server. */
  mcp(options: ToolChoice & { config?: string; url?: string }): Promise<Running>;
  mcpHttp(options: ToolChoice & Omit<ServeCommand, "instance">): Promise<Running & { url: string }>;
  serve(options: ServeCommand): Promise<Running & { origin: string }>;
  instance(
    options: InstanceCommand,
    onProgress: (done: number, total: number) => void,
  ): Promise<Running & { started: StartedInstance; registered: Promise<void> }>;
  up(
    options: UpCommand,
    onEvent: (event: UpEvent) => void,
  ): Promise<Running & { cluster: string; instances: StartedInstance[] }>;
  doctor(options: { config?: string }): Promise<Finding[]>;
  init(options: { config?: string; force: boolean }): Promise<string>;
  /** The engine in this process, or with `url` the one of a running server. */
  connect(options: { config?: string; url?: string }): Promise<Orchestrator>;
}
