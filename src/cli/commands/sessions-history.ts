import { Command } from "commander";
import type { HistoryAnswer, RemoteView } from "../../core/answers.ts";
import {
  addCallOptions,
  type CallOptions,
  numberOption,
  sessionOption,
  tokenOption,
} from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { show } from "../output.ts";
import { pageTable } from "../page-table.ts";
import { table } from "../table.ts";
import { errorLine, excerpt } from "../text.ts";
import { useOrchestrator } from "../use-orchestrator.ts";

interface Options extends CallOptions {
  id: string;
  token?: string;
  limit?: number;
  after?: number;
  remote?: boolean;
}

/** `orchestrator sessions_history` */
export const sessionsHistoryCommand: CommandBuilder = (actions) =>
  addCallOptions(
    new Command("sessions_history")
      .description("a session's transcript, also of a closed one")
      .addOption(sessionOption())
      .addOption(tokenOption())
      .addOption(numberOption("--limit <n>", "at most so many messages; default 50"))
      .addOption(numberOption("--after <seq>", "only messages after this one"))
      .option("--remote", "also what the owner itself keeps; only protocol openclaw tells"),
  )
    .addHelpText("after", "\nExample:\n  orchestrator sessions_history --id session1 --limit 20")
    .action(async (options: Options) => {
      const { id, token, limit, after, remote, output } = options;
      const call = { sessionId: id, token, limit, after, remote };
      const history = await useOrchestrator(actions, options, (orchestrator) =>
        orchestrator.sessionsHistory(call),
      );
      show(output, history, () => words(history));
    });

/** So much of a message and of its answer goes on a line. */
const EXCERPT = 60;

function words({ sessionId, instance, state, transcript, next, remote }: HistoryAnswer): string {
  const page = { items: transcript, ...(next !== undefined && { next }) };
  return [
    `Session ${sessionId} at ${instance}, ${state}`,
    pageTable(["SEQ", "AT", "INSTANCE", "MESSAGE", "REPLY", "ANSWER"], page, row),
    ...(remote ? remoteLines(instance, remote) : []),
  ].join("\n");
}

function remoteLines(instance: string, { messages, cut }: RemoteView): string[] {
  const rows = messages.map(({ role, text, at = "" }) => [at, role, excerpt(text, EXCERPT)]);
  const keeps = `${instance} itself keeps${cut ? ", besides what it left out" : ""}:`;
  return ["", keeps, rows.length === 0 ? "Nothing." : table([["AT", "ROLE", "TEXT"], ...rows])];
}

function row(entry: HistoryAnswer["transcript"][number]): string[] {
  if ("kind" in entry)
    return ["", entry.at, entry.to, `moved here from ${entry.from}: ${entry.reason}`, "", ""];
  const { seq, at, instance, data, reply, result, error } = entry;
  const answer = result !== undefined ? excerpt(result, EXCERPT) : error ? errorLine(error) : "";
  return [String(seq), at, instance, excerpt(data, EXCERPT), reply, answer];
}
