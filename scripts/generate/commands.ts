import { readdirSync } from "node:fs";
import type { Command, Option } from "commander";
import type { Actions } from "../../src/cli/actions.ts";
import type { CommandBuilder } from "../../src/cli/command-builder.ts";
import { code, table } from "./markdown.ts";

// The commands and their options, from the programs that read them.

const FOLDER = new URL("../../src/cli/commands/", import.meta.url);

/** In the order in which people meet them; one that is missing here comes last. */
const ORDER = [
  ...["up", "health", "route", "fanout", "aggregate", "orchestrate"],
  ...["sessions_spawn", "sessions_send", "sessions_history", "sessions_list", "sessions_close"],
  ...["runs list", "runs show", "runs wait", "runs cancel"],
  ...["mcp", "serve", "keys new", "instance", "init", "doctor"],
];

interface Named {
  /** With the command that it belongs to, such as `runs wait`. */
  name: string;
  command: Command;
}

const built = await Promise.all(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".ts"))
    .map(async (file) => {
      const exported = Object.values(
        (await import(new URL(file, FOLDER).href)) as Record<string, CommandBuilder>,
      );
      return exported.map((build) => build({ version: "" } as Actions, () => {}));
    }),
);
const all = built.flat();
const inner = new Set(all.flatMap(({ commands }) => commands.map((command) => command.name())));
/** Every command that does something, once. */
export const commands: readonly Named[] = all
  .filter((command) => command.commands.length > 0 || !inner.has(command.name()))
  .flatMap(withInner)
  .sort((a, b) => placeOf(a.name) - placeOf(b.name));

function withInner(command: Command): Named[] {
  if (command.commands.length === 0) return [{ name: command.name(), command }];
  return command.commands.map((each) => ({ name: `${command.name()} ${each.name()}`, command: each }));
}

function placeOf(name: string): number {
  const place = ORDER.indexOf(name);
  return place < 0 ? ORDER.length : place;
}

export function commandTable(): string {
  return table(
    ["command", "what it does"],
    commands.map(({ name, command }) => [
      [name, ...command.aliases()].map((each) => code(`orchestrator ${each}`)).join(" or "),
      command.description(),
    ]),
  );
}

/** What every command takes that calls the engine; told once. */
const SHARED = ["output", "config", "url"];

export function sharedOptions(): string {
  const [first] = commands.filter(({ command }) => callsTheEngine(command));
  if (!first) throw new Error("No command calls the engine.");
  return optionTable(first.command.options.filter(isShared));
}

/** The options of one command, by its name with dashes for spaces. */
export function optionsOf(name: string): string {
  const command = commands.find((each) => each.name.replaceAll(" ", "_") === name)?.command;
  if (!command) throw new Error(`No command is named ${name}.`);
  const own = command.options.filter((option) => !callsTheEngine(command) || !isShared(option));
  const also = callsTheEngine(command) ? "\n\nAnd `--output`, `--config` and `--url`." : "";
  return own.length === 0 ? also.trim() : optionTable(own) + also;
}

function callsTheEngine(command: Command): boolean {
  return SHARED.every((name) => command.options.some((option) => option.attributeName() === name));
}

function isShared(option: Option): boolean {
  return SHARED.includes(option.attributeName());
}

function optionTable(options: readonly Option[]): string {
  return table(
    ["option", "what it says"],
    options.map((option) => [
      `${code(option.flags)}${option.mandatory ? " (required)" : ""}`,
      sayingOf(option),
    ]),
  );
}

function sayingOf({ description, argChoices, defaultValue, defaultValueDescription }: Option): string {
  const shown = defaultValueDescription ?? (isWorthSaying(defaultValue) ? String(defaultValue) : undefined);
  return [
    description,
    argChoices && `one of ${argChoices.map(code).join(", ")}`,
    shown !== undefined && `default ${code(shown)}`,
  ]
    .filter(Boolean)
    .join("; ");
}

/** A flag that is off, or a list that is empty, says nothing. */
function isWorthSaying(value: unknown): boolean {
  return value !== undefined && typeof value !== "boolean" && !(Array.isArray(value) && value.length === 0);
}
