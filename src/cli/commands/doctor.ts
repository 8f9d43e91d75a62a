import { Command, Option } from "commander";
import type { Finding } from "../actions.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { configOption } from "../options.ts";
import { print, printJson } from "../output.ts";
import { paint } from "../table.ts";

/** `orchestrator doctor` */
export const doctorCommand: CommandBuilder = (actions, exit) =>
  new Command("doctor")
    .description("says what is read, who is in the fleet, what works, and what to do about the rest")
    .addOption(configOption())
    .addOption(
      new Option("--output <form>", "default text on a terminal, else JSON").choices(["json", "text"]),
    )
    .addHelpText("after", "\nExample:\n  orchestrator doctor --config config.json")
    .action(async ({ config, output }: { config?: string; output?: "json" | "text" }) => {
      const findings = await actions.doctor({ ...(config !== undefined && { config }) });
      if (output === "text" || (output === undefined && process.stdout.isTTY))
        print(findings.map(line).join("\n"));
      else printJson({ ok: findings.every(({ ok }) => ok), findings });
      exit(findings.every(({ ok }) => ok) ? EXIT.done : EXIT.failed);
    });

function line({ what, ok, found, action }: Finding): string {
  const mark = ok ? paint("green", "ok  ", process.stdout) : paint("red", "FAIL", process.stdout);
  return `${mark}  ${what}: ${found}${ok || action === undefined ? "" : `\n      ${action}`}`;
}
