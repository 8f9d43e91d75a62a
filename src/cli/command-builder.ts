import type { Command } from "commander";
import type { Actions } from "./actions.ts";

/** Makes a command that reads its words, calls an action and tells its exit code. */
export type CommandBuilder = (actions: Actions, exit: (code: number) => void) => Command;
