import { Command, CommanderError } from "commander";
import { OrchestratorError } from "../core/errors.ts";
import type { Actions } from "./actions.ts";
import type { CommandBuilder } from "./command-builder.ts";
import { aggregateCommand } from "./commands/aggregate.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { fanoutCommand } from "./commands/fanout.ts";
import { healthCommand } from "./commands/health.ts";
import { initCommand } from "./commands/init.ts";
import { instanceCommand } from "./commands/instance.ts";
import { keysCommand } from "./commands/keys.ts";
import { mcpCommand } from "./commands/mcp.ts";
import { orchestrateCommand } from "./commands/orchestrate.ts";
import { routeCommand } from "./commands/route.ts";
import { runsCommand } from "./commands/runs.ts";
import { serveCommand } from "./commands/serve.ts";
import { sessionsCloseCommand } from "./commands/sessions-close.ts";
import { sessionsHistoryCommand } from "./commands/sessions-history.ts";
import { sessionsListCommand } from "./commands/sessions-list.ts";
import { sessionsSendCommand } from "./commands/sessions-send.ts";
import { sessionsSpawnCommand } from "./commands/sessions-spawn.ts";
import { upCommand } from "./commands/up.ts";
import { EXIT, exitCodeOf } from "./exit.ts";
import { letReadersGo, printError } from "./output.ts";

const COMMANDS: CommandBuilder[] = [
  routeCommand,
  fanoutCommand,
  aggregateCommand,
  orchestrateCommand,
  sessionsSpawnCommand,
  sessionsSendCommand,
  sessionsListCommand,
  sessionsHistoryCommand,
  sessionsCloseCommand,
  runsCommand,
  healthCommand,
  mcpCommand,
  upCommand,
  serveCommand,
  keysCommand,
  instanceCommand,
  initCommand,
  doctorCommand,
];

/** Runs one command line, without the program's own name; the exit code. */
export async function runCommandLine(args: readonly string[], actions: Actions): Promise<number> {
  letReadersGo();
  let exitCode: number = EXIT.done;
  const program = new Command("orchestrator")
    .description(
      "Runs a fleet of agent instances: without arguments the MCP server on stdio, else a command.",
    )
    .version(actions.version)
    .showSuggestionAfterError()
    .showHelpAfterError("(see --help)")
    .exitOverride()
    // Other names are found, and told of in the documents; here each command has one.
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` });
  for (const build of COMMANDS) {
    program.addCommand(
      build(actions, (code) => {
        exitCode = code;
      }),
    );
  }
  inherit(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (thrown) {
    // Commander has said what was wrong with the words, or shown its help.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.usage;
    const error = OrchestratorError.from(thrown);
    printError(error);
    return exitCodeOf(error);
  }
}

/** What commander hands down only to commands that it has made itself. */
function inherit(parent: Command): void {
  for (const command of parent.commands) inherit(command.copyInheritedSettings(parent));
}
