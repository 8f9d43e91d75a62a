import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cancellation } from "../../core/cancellation.ts";
import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { textOf } from "../../core/prompt.ts";
import type { Usage } from "../../core/usage.ts";
import type { Worker, WorkerReply, WorkerTask } from "../worker.ts";
import type { Agent } from "./agents/agent.ts";
import { AGENTS } from "./agents/index.ts";
import { promptAfter } from "./agents/prompt.ts";
import { resultFrom } from "./agents/result.ts";
import { usedSince } from "./agents/spent.ts";
import { type ProgramOptions, prepareProgram } from "./prepare.ts";
import { howEnded, type Program, runProgram } from "./program.ts";
import { RunningPrograms } from "./running.ts";

export interface AgentOptions extends ProgramOptions {
  /** Which one: a name of {@link AGENTS}. */
  agent: string;
  /** Arguments that are passed on to it. */
  args?: readonly string[] | undefined;
}

/** What a session keeps: the agent's own name of its conversation, and what that had used. */
interface Conversation {
  name: string;
  used: Usage;
}

const VERSION_MS = 30_000;

/**
 * A worker that has a command-line agent do every task, with the least that it can be given: the variables that it
 * documents, and no tool that it would ask about. A session is a conversation of the agent's own.
 * @throws OrchestratorError `bad_request` if there is no such agent, or it cannot be run here.
 */
export async function createAgentWorker({
  agent: name,
  args = [],
  ...options
}: AgentOptions): Promise<Worker> {
  const agent = agentOf(name);
  const facts = { command: [name], variables: agent.variables, missing: agent.install };
  const program = await prepareProgram(facts, options);
  const version = await versionOf(agent, program);
  const programs = new RunningPrograms();
  /** By conversation, what it had used when a message of it failed, whose session then keeps nothing. */
  const usedInVain = new Map<string, Usage>();

  async function run({ payload, session, cancellation }: WorkerTask): Promise<WorkerReply> {
    const known = session?.state as unknown as Conversation | undefined;
    const moved = session && !known && session.history.length > 0;
    const prompt = moved ? promptAfter(session.history, payload) : textOf(payload);
    const fresh = `orchestrator-${randomUUID()}`;

    const end = await withPrompt(agent, prompt, (input, promptFile) => {
      const turn = { conversation: known?.name, fresh, promptFile, extra: args };
      return programs.run({ ...program, command: [name, ...agent.arguments(turn)] }, input, cancellation);
    });

    const said = agent.read(end);
    const conversation = said?.conversation ?? known?.name ?? fresh;
    const total = said?.usage;
    const before =
      agent.usageOf === "conversation" ? (usedInVain.get(conversation) ?? known?.used) : undefined;
    const usage = total && before ? usedSince(total, before) : total;
    if (known && total) usedInVain.set(conversation, total);
    const result = resultFrom(agent, end, said, usage);
    usedInVain.delete(conversation);
    const state: Conversation = { name: conversation, used: total ?? {} };
    return { ...(usage && { usage }), state: state as unknown as Json, result };
  }

  return {
    description: {
      does: `Has the agent ${name} work on each task.`,
      payload:
        'Text or {"message": text}: what the agent is asked; other JSON is given to it as text. ' +
        "In a session it remembers what was said before.",
      example: { message: "Which files are in this folder?" },
    },
    run,
    facts: () => ({ agent: name, version, running: programs.count }),
    close: () => programs.close(),
  };
}

function agentOf(name: string): Agent {
  const agent = Object.hasOwn(AGENTS, name) && AGENTS[name];
  if (agent) return agent;
  throw new OrchestratorError("bad_request", `There is no agent "${name}".`, {
    action: `Name one of ${Object.keys(AGENTS).join(", ")}, or give a command after --.`,
  });
}

/** Also shows that it can be run here at all. */
async function versionOf({ name, install }: Agent, program: Program): Promise<string> {
  const asked = { ...program, command: [name, "--version"], timeoutMs: VERSION_MS };
  const end = await runProgram(asked, "", new Cancellation());
  if (end.exitCode === 0) return /\d+(\.\d+)+\S*/.exec(end.output)?.[0] ?? end.output.trim();
  const [reason] = end.stderr.trim().split("\n");
  throw new OrchestratorError("bad_request", `"${name} --version" ${howEnded(end)}: ${reason}`, {
    action: install,
    details: { stderr: end.stderr },
  });
}

/** Runs with the prompt where the agent takes it. A file is for its eyes alone, and gone afterwards. */
async function withPrompt<T>(
  { prompt: place }: Agent,
  prompt: string,
  run: (input: string, promptFile: string | undefined) => Promise<T>,
): Promise<T> {
  if (place === "stdin") return run(prompt, undefined);
  const folder = await mkdtemp(join(tmpdir(), "orchestrator-prompt-"));
  try {
    const file = join(folder, "prompt.txt");
    await writeFile(file, prompt, { mode: 0o600 });
    return await run("", file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
