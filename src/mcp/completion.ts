import {
  type CompleteRequestParams,
  type CompleteResult,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import type { KnownInstance } from "../core/changes.ts";
import type { Viewer } from "../core/context.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { Engine } from "../engine/engine.ts";
import { promptNamed } from "./prompts/index.ts";
import { RESULT_TEMPLATE, RUN_TEMPLATE, SESSION_TEMPLATE } from "./resources/templates.ts";

/** What the protocol allows. */
const MOST_VALUES = 100;
/** The newest runs, and as many sessions, are searched. */
const LOOK_THROUGH = 1_000;

/** Who may see what is suggested, and where it is found. */
interface Source {
  engine: Engine;
  viewer: Viewer;
}

/**
 * What the argument of a prompt or a template may be, given what is typed of it.
 *
 * @throws ProtocolError for a prompt, template or argument that there is not.
 */
export async function complete(
  { ref, argument, context }: CompleteRequestParams,
  source: Source,
): Promise<CompleteResult> {
  const { name, value } = argument;
  const found =
    ref.type === "ref/prompt"
      ? await promptValues(ref.name, name, value, source)
      : await templateValues(ref.uri, name, value, context?.arguments ?? {}, source);
  const values = found.slice(0, MOST_VALUES);
  return { completion: { values, total: found.length, hasMore: found.length > values.length } };
}

async function promptValues(
  prompt: string,
  name: string,
  value: string,
  { engine }: Source,
): Promise<string[]> {
  const argument = promptNamed(prompt).argument(name);
  if (!argument) throw unknown(`The prompt ${prompt} has no argument ${name.slice(0, 100)}.`);
  // A question is for the person to write.
  return argument.picks ? selectors(value, engine) : [];
}

async function templateValues(
  template: string,
  name: string,
  value: string,
  given: Record<string, string>,
  source: Source,
): Promise<string[]> {
  switch (`${template} ${name}`) {
    case `${RUN_TEMPLATE} runId`:
    case `${RESULT_TEMPLATE} runId`:
      return matching(await runIds(source), value);
    case `${RESULT_TEMPLATE} instance`:
      return matching(await instancesOf(given.runId, source), value);
    case `${SESSION_TEMPLATE} sessionId`:
      return matching(await sessionIds(source), value);
    default:
      throw unknown(`There is no resource template ${template.slice(0, 200)} with a ${name.slice(0, 100)}.`);
  }
}

/** The last of several selectors that are separated by commas; those before it stay as they are. */
async function selectors(value: string, engine: Engine): Promise<string[]> {
  const start = value.lastIndexOf(",") + 1;
  const before = value.slice(0, start);
  const [, space = "", typed = ""] = /^(\s*)(.*)$/s.exec(value.slice(start)) ?? [];
  const named = new Set(before.split(",").map((each) => each.trim()));
  const fleet = await fleetOf(engine);
  const well = fleet.filter(({ state }) => state !== "down").map(({ instance }) => instance);
  const tags = fleet.flatMap((each) => each.tags.map((tag) => `tag:${tag}`));
  const all = new Set([...well, ...fleet.map(({ instance }) => instance), ...tags, "*"]);
  return matching(
    [...all].filter((each) => !named.has(each)),
    typed,
  ).map((each) => before + space + each);
}

/** What is known of the fleet, where that can be had without asking it. */
async function fleetOf(engine: Engine): Promise<Pick<KnownInstance, "instance" | "state" | "tags">[]> {
  if (engine.known) return engine.known();
  return (await engine.health({ detail: false })).map(({ tags = [], ...each }) => ({ ...each, tags }));
}

async function runIds({ engine, viewer }: Source): Promise<string[]> {
  return (await engine.runsList({ limit: LOOK_THROUGH }, viewer)).items.map(({ runId }) => runId);
}

/** Those that the run asked; everybody while it is not known which run is meant. */
async function instancesOf(runId: string | undefined, { engine, viewer }: Source): Promise<string[]> {
  try {
    const run = runId ? await engine.runsGet({ runId, offset: 0 }, viewer) : undefined;
    if (run && "outcomes" in run) return run.outcomes.map(({ instance }) => instance);
  } catch (thrown) {
    if (OrchestratorError.from(thrown).code !== "run_not_found") throw thrown;
  }
  return (await fleetOf(engine)).map(({ instance }) => instance);
}

/** The open ones first. */
async function sessionIds({ engine, viewer }: Source): Promise<string[]> {
  const { items } = await engine.sessionsList({ limit: LOOK_THROUGH }, viewer);
  const open = items.filter(({ state }) => state === "open");
  return [...new Set([...open, ...items])].map(({ sessionId }) => sessionId);
}

/** Those that begin with what is typed, then those that have it elsewhere. */
function matching(candidates: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const found = candidates.filter((each) => each.toLowerCase().includes(wanted));
  const begins = found.filter((each) => each.toLowerCase().startsWith(wanted));
  return [...new Set([...begins, ...found])];
}

function unknown(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
