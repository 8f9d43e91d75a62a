import { Command, CommanderError } from "commander";
import { OrchestratorError } from "../core/errors.ts";
import type { Actions } from "./actions.ts";
import type { CommandBuilder } from "./command-builder.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { healthCommand } from "./commands/health.ts";
import { initCommand } from "./commands/init.ts";
import { instanceCommand } from "./commands/instance.ts";
import { mcpCommand } from "./commands/mcp.ts";
import { serveCommand } from "./commands/serve.ts";
import { upCommand } from "./commands/up.ts";
import { EXIT, exitCodeOf } from "./exit.ts";
import { letReadersGo, printError } from "./output.ts";

const COMMANDS: CommandBuilder[] = [
  mcpCommand,
  upCommand,
  healthCommand,
  serveCommand,
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
    .exitOverride();
  for (const build of COMMANDS) {
    program.addCommand(
      build(actions, (code) => {
        exitCode = code;
      })
        .exitOverride()
        .showHelpAfterError("(see --help)"),
    );
  }
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
