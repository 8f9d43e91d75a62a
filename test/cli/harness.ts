import { vi } from "vitest";
import type { Actions } from "../../src/cli/actions.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import type { Orchestrator } from "../../src/core/orchestrator.ts";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** What the command said of where the engine is. */
  connectedTo?: unknown;
}

/** The methods of an orchestrator that a test plays. */
export type Played = Partial<Orchestrator>;

/**
 * Runs a command line over an orchestrator that a test plays, with nobody on a terminal.
 *
 * @param env Variables that differ: whoever runs the tests may use a server.
 */
export async function runCli(
  args: readonly string[],
  played: Played = {},
  env: Record<string, string | undefined> = { ORCHESTRATOR_URL: undefined },
): Promise<Ran> {
  let connectedTo: unknown;
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((chunk) => {
      written[name] += String(chunk);
      return true;
    }),
  );
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const actions = actionsOver(played, (options) => {
      connectedTo = options;
    });
    const code = await runCommandLine(args, actions);
    return { code, ...written, connectedTo };
  } finally {
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}

function actionsOver(played: Played, onConnect: (options: unknown) => void): Actions {
  const connect = async (options: unknown) => {
    onConnect(options);
    return { close: async () => {}, ...played };
  };
  return { version: "0.0.0", program: "main.js", connect } as unknown as Actions;
}
