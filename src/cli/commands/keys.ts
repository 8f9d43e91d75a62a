import { randomBytes } from "node:crypto";
import { Command, Option } from "commander";
import { OrchestratorError } from "../../core/errors.ts";
import { NAME } from "../../core/instance.ts";
import { hashKey, SCOPES, type Scope } from "../../core/keys.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { readCount } from "../options.ts";
import { print, printJson } from "../output.ts";

interface Options {
  scope: Scope[];
  name: string;
  requestsPerMinute?: number;
}

/** `orchestrator keys new` */
export const keysCommand: CommandBuilder = () =>
  new Command("keys")
    .description("keys that orchestrator serve accepts besides ORCHESTRATOR_API_KEY")
    .addCommand(
      new Command("new")
        .description("makes a key: the key itself, shown once, and what the configuration keeps of it")
        .addOption(
          new Option("--scope <scopes...>", "what it may do; send may also read, admin may do everything")
            .choices(SCOPES)
            .makeOptionMandatory(),
        )
        .option("--name <name>", "who has it, in logs and in what it makes", "key")
        .addOption(new Option("--requests-per-minute <n>", "a limit of its own").argParser(readCount))
        .addHelpText("after", "\nExample:\n  orchestrator keys new --scope send --name ci")
        .action(({ scope, name, requestsPerMinute }: Options) => {
          if (!NAME.test(name)) {
            throw new OrchestratorError("bad_request", `--name: "${name}" is no name.`, {
              action: "Use 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit.",
            });
          }
          const key = `ork_${randomBytes(32).toString("base64url")}`;
          const entry = {
            name,
            hash: hashKey(key),
            scopes: [...new Set(scope)],
            ...(requestsPerMinute !== undefined && { requestsPerMinute }),
          };
          if (!process.stdout.isTTY) return printJson({ key, entry });
          print(
            `${key}\n\nThis is shown once. Add to "keys" in the server's configuration:\n  ${JSON.stringify(entry)}`,
          );
        }),
    );
