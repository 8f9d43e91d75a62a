import type { Counts, OutcomeView } from "../core/answers.ts";
import { usageWords } from "../core/usage.ts";
import type { Beginnings } from "./beginnings.ts";
import { asText, type Beginning, type Excerpt, excerptsOf } from "./excerpt.ts";
import { type CutResult, withTrimmedError } from "./respond.ts";
import { cutFields, resultFields, resultText } from "./result.ts";
import type { Room } from "./room.ts";
import { AS_DATA, callOf, errorLine, oneLine, plural, readResult, span } from "./words.ts";

/** The outcomes of a run as one answer has room for them. */
export interface ShownOutcomes {
  /** One for each instance without a result: what became of it there. Of very many, the rest share lines. */
  troubles: string[];
  /** One for each instance with a result, without the result. */
  done: string[];
  /** The same with the result. */
  quoted: string[];
  /** For programs, in target order: a result that was cut is replaced by its length and a note. */
  views: object[];
  cut: CutResult[];
}

/** @param beginnings How those results begin that are not in the outcomes. */
export function showOutcomes(
  runId: string,
  outcomes: readonly OutcomeView[],
  room: Room,
  beginnings: Beginnings = new Map(),
): ShownOutcomes {
  const texts = outcomes.map((outcome) => ({
    outcome,
    text: outcome.result === undefined ? beginnings.get(outcome.instance) : asText(outcome.result),
  }));
  const withText = texts.filter((each): each is typeof each & { text: Beginning } => each.text !== undefined);
  const shown = excerptsOf(
    withText.map(({ text }) => text),
    room,
  );
  const excerptOf = new Map(withText.map(({ outcome }, index) => [outcome, shown[index] as Excerpt]));
  const done = outcomes.filter(({ reply }) => reply === "done");
  return {
    troubles: troubleLines(outcomes.filter(({ reply }) => reply !== "done")),
    done: done.map((outcome) => `${head(outcome)}: done`),
    quoted: done.map((outcome) => `${head(outcome)}: ${quoted(runId, outcome, excerptOf.get(outcome))}`),
    views: outcomes.map((outcome) => view(runId, outcome, excerptOf.get(outcome))),
    cut: outcomes.flatMap((outcome) => cutOf(runId, outcome, excerptOf.get(outcome))),
  };
}

function cutOf(runId: string, { instance, resultChars }: OutcomeView, excerpt?: Excerpt): CutResult[] {
  const chars = excerpt && !excerpt.whole ? excerpt.chars : resultChars;
  return chars === undefined ? [] : [{ runId, instance, chars }];
}

/** `7 of 8 answered`, and what of the rest. */
export function summary({ total, done, failed, cancelled, pending }: Counts): string {
  const rest = [
    failed > 0 && `${failed} failed`,
    cancelled > 0 && `${cancelled} cancelled`,
    pending > 0 && `${pending} still working`,
  ].filter((part) => part !== false);
  return [`${done} of ${plural(total, "instance")} answered`, ...rest].join(", ");
}

/**
 * How to go on where some have not answered.
 *
 * @param survivesExit Whether the work goes on, and can be fetched later, when this server ends.
 */
export function awaitRest(runId: string, survivesExit = true): string {
  const goesOn = survivesExit ? "The work goes on" : "The work goes on as long as this server runs";
  return `${goesOn}; wait for it with ${callOf("runs_get", { runId, wait: "30s" })}.`;
}

function head({ instance, elapsedMs, usage }: OutcomeView): string {
  const facts = [elapsedMs === undefined ? "" : span(elapsedMs), usageWords(usage)].filter(Boolean);
  return facts.length === 0 ? instance : `${instance} (${facts.join(", ")})`;
}

/** So many are told of at length. */
const MOST_TROUBLES = 50;

/** Each instance is named, also where thousands are in trouble: those beyond the first by what it is. */
function troubleLines(outcomes: readonly OutcomeView[]): string[] {
  const rest = new Map<string, string[]>();
  for (const { instance, reply, delivery, error } of outcomes.slice(MOST_TROUBLES)) {
    const what = `${error?.code ?? reply} (delivery ${delivery})`;
    rest.set(what, [...(rest.get(what) ?? []), instance]);
  }
  return [
    ...outcomes.slice(0, MOST_TROUBLES).map(trouble),
    ...[...rest].map(([what, names]) => `${names.length} more: ${what}: ${names.join(", ")}`),
  ];
}

function trouble({ instance, reply, delivery, error }: OutcomeView): string {
  if (reply === "pending") return `${instance}: still working (delivery ${delivery})`;
  const wasCancelled = reply === "cancelled" && error !== undefined && error.code !== "cancelled";
  // Who has failed at the work has the word: what went wrong on the way is told in ours.
  const whose = reply === "failed" ? `failed, ${AS_DATA} ` : wasCancelled ? "cancelled: " : "";
  const why = error === undefined ? reply : `${whose}${errorLine(error)}`;
  return `${instance}: ${why} (delivery ${delivery}) → ${oneLine(error?.action ?? "Check its health.")}`;
}

function quoted(runId: string, outcome: OutcomeView, excerpt: Excerpt | undefined): string {
  const { instance, resultChars } = outcome;
  if (excerpt) return resultText({ runId, instance }, excerpt);
  return resultChars === undefined ? "done" : `${resultChars} characters; ${readResult(runId, instance)}`;
}

function view(runId: string, outcome: OutcomeView, excerpt: Excerpt | undefined): object {
  const { result, resultChars, ...rest } = withTrimmedError(outcome);
  if (excerpt && result !== undefined) {
    return { ...rest, ...resultFields({ runId, instance: rest.instance, result }, excerpt) };
  }
  return {
    ...rest,
    ...(resultChars !== undefined && cutFields({ runId, instance: rest.instance }, resultChars)),
  };
}
