import type { Reply } from "../core/delivery.ts";
import { OrchestratorError } from "../core/errors.ts";
import { writeJson } from "../core/json-text.ts";
import type { RunsGetInput } from "../core/requests.ts";
import type { Run } from "../core/run.ts";
import type { ResultPage } from "../core/run-answers.ts";
import type { EngineParts } from "./parts.ts";
import { resultKey } from "./run-keys.ts";

const PAGE_CHARS = 20_000;

/** Whose result, and where it stands. */
interface Source {
  whose: Pick<ResultPage, "instance" | "step">;
  reply: Reply;
  json: string | undefined;
}

/** One page of an instance's result, or of what a plan or one of its steps came to, as text. */
export async function resultPage(
  parts: EngineParts,
  run: Run,
  input: Pick<RunsGetInput, "instance" | "step" | "value" | "offset">,
): Promise<ResultPage> {
  const { offset } = input;
  const { whose, reply, json = "" } = await sourceOf(parts, run, input);
  // Text is read as it was written, not as a JSON string.
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json;
  const end = pageEnd(text, offset);
  return {
    runId: run.runId,
    ...whose,
    reply,
    offset,
    text: text.slice(offset, end),
    totalChars: text.length,
    ...(end < text.length && { nextOffset: end }),
  };
}

/** An outcome's result as JSON text, from memory or the store. */
export async function resultText(
  { journal }: EngineParts,
  run: Run,
  index: number,
): Promise<string | undefined> {
  const { reply, result } = run.outcomes[index] as Run["outcomes"][number];
  if (reply !== "done") return undefined;
  return result === undefined ? journal.resultText(run.runId, index) : writeJson(result);
}

async function sourceOf(
  parts: EngineParts,
  run: Run,
  { instance, step, value }: Pick<RunsGetInput, "instance" | "step" | "value">,
): Promise<Source> {
  if (value) return ofPlan(parts, run);
  return step === undefined ? ofInstance(parts, run, instance ?? "") : ofStep(parts, run, step);
}

async function ofPlan(parts: EngineParts, run: Run): Promise<Source> {
  if (!run.plan) {
    throw new OrchestratorError("bad_request", `value: run ${run.runId} is no plan.`, {
      runId: run.runId,
      action: "Name an instance that the run asked.",
    });
  }
  if (run.endedAt === undefined) return { whose: {}, reply: "pending", json: undefined };
  const { planValue } = await import("./orchestrate/views.ts");
  const { reply, value } = await planValue(parts, run);
  return { whose: {}, reply, json: value === undefined ? undefined : JSON.stringify(value) };
}

async function ofInstance(parts: EngineParts, run: Run, instance: string): Promise<Source> {
  const index = run.outcomes.findIndex((outcome) => outcome.instance === instance);
  const outcome = run.outcomes[index];
  if (outcome)
    return { whose: { instance }, reply: outcome.reply, json: await resultText(parts, run, index) };
  const asked = run.outcomes.map((each) => each.instance).join(", ");
  throw new OrchestratorError(
    "unknown_instance",
    `instance: run ${run.runId} has not asked ${instance}. It asked: ${asked || "nobody by itself"}.`,
    { runId: run.runId, instance, action: "Name one that the run asked." },
  );
}

async function ofStep({ store }: EngineParts, run: Run, step: string): Promise<Source> {
  const steps = run.plan?.steps ?? [];
  const index = steps.findIndex(({ id }) => id === step);
  const progress = steps[index];
  if (!progress) {
    const known = steps.map(({ id }) => id).join(", ");
    throw new OrchestratorError(
      "bad_request",
      `step: run ${run.runId} has no step ${step}. It has: ${known || "none"}.`,
      {
        runId: run.runId,
      },
    );
  }
  const entry = await store.get(resultKey(run.runId, index));
  const { value } = (entry ? JSON.parse(entry.value) : {}) as { value?: unknown };
  const { state, endedAt } = progress;
  const reply = endedAt === undefined ? "pending" : state === "skipped" ? "none" : state;
  return {
    whose: { step },
    reply: reply === "waiting" || reply === "running" ? "pending" : reply,
    json: value === undefined ? undefined : JSON.stringify(value),
  };
}

/** A page never ends within a character that takes two units of UTF-16. */
function pageEnd(text: string, offset: number): number {
  const end = offset + PAGE_CHARS;
  return (text.codePointAt(end - 1) ?? 0) > 0xffff ? end - 1 : end;
}
