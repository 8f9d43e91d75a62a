import type { TransitionView } from "./answers.ts";

/** So many of the runs are named in a sentence; programs find the rest in the list. */
const MOST_NAMED = 3;

/** `down since 03:12, connection refused, seen by 3 calls and 2 polls`, and which runs went elsewhere. */
export function transitionWords({ to, at, reason, seenBy, rerouted }: TransitionView): string {
  const seen = [count(seenBy.calls, "call"), count(seenBy.polls, "poll")].filter((words) => words !== "");
  const words = [`${to} since ${at}`, reason, ...(seen.length > 0 ? [`seen by ${seen.join(" and ")}`] : [])];
  if (!rerouted) return words.join(", ");
  const named = rerouted.runIds.slice(-MOST_NAMED).join(", ");
  return `${words.join(", ")}; ${count(rerouted.count, "run")} went elsewhere because of it, the last: ${named}`;
}

function count(number: number, noun: string): string {
  return number === 0 ? "" : `${number} ${noun}${number === 1 ? "" : "s"}`;
}
