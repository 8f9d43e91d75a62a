import type { Change, Round } from "./health-round.ts";
import { healthTable, paintStates } from "./health-table.ts";
import { LiveArea } from "./live-area.ts";
import { print } from "./output.ts";
import { errorLine, oneLine, wrap } from "./text.ts";

/** Shows the rounds of a watch to a person. */
export interface HealthView {
  show(round: Round): void;
}

/** So many changes stay in sight. */
const MOST_CHANGES = 8;

/** A table that is drawn anew in its place, with the last changes below it. */
export function liveView(intervalMs: number): HealthView {
  const area = new LiveArea(process.stdout);
  let lines: string[] = [];
  let latest: string[] = [];
  return {
    show(round) {
      if ("found" in round) {
        lines = healthTable(round.found).split("\n");
        latest = [...latest, ...changeLines(round)].slice(-MOST_CHANGES);
      }
      const state =
        "error" in round
          ? `The check at ${time(round.at)} failed: ${errorLine(round.error)}`
          : `Checked at ${time(round.at)}, every ${intervalMs / 1000} s. Ctrl-C ends it.`;
      const stateLines = wrap(state, (process.stdout.columns || 80) - 1);
      area.draw([...lines, "", ...stateLines, ...latest], paintStates);
    },
  };
}

/** The rounds one after another. */
export function plainView(): HealthView {
  return {
    show(round) {
      if ("error" in round) print(`${time(round.at)}  the check failed: ${errorLine(round.error)}\n`);
      else print([time(round.at), healthTable(round.found), ...changeLines(round), ""].join("\n"));
    },
  };
}

function changeLines({ at, changed }: { at: Date; changed: readonly Change[] }): string[] {
  return changed.map(
    ({ instance, from, to, reason }) => `${time(at)}  ${instance}: ${from} → ${to}: ${oneLine(reason, 200)}`,
  );
}

/** As the clock on the wall has it. */
function time(at: Date): string {
  return at.toTimeString().slice(0, 8);
}
