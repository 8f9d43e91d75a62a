import { OrchestratorError } from "../../core/errors.ts";

/** What any program may need to start, to speak its user's language, and to reach the network as the host does. */
const BASIC =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TERM|TZ|TMPDIR|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/;
const OURS = /^ORCHESTRATOR_/i;

/**
 * The variables that a worker's program gets: the basic ones and those named, or all where nobody names any;
 * never `ORCHESTRATOR_*`.
 */
export function workerEnvironment(
  names: readonly string[] | undefined,
  own: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const passed = (name: string) => names === undefined || BASIC.test(name) || names.includes(name);
  return Object.fromEntries(Object.entries(own).filter(([name]) => !OURS.test(name) && passed(name)));
}

/** @throws OrchestratorError `bad_request` for a variable that cannot be passed on. */
export function checkVariables(names: readonly string[], own: NodeJS.ProcessEnv = process.env): void {
  for (const name of names) {
    const [variable = ""] = name.split("=", 1);
    if (variable !== name) {
      throw refused(`"${variable}=…" is no name of a variable.`, {
        action: `Name ${variable} alone and set it for the instance: a command line can be read by others.`,
      });
    }
    if (OURS.test(name)) throw refused(`The variable ${name} is ours, and is never passed on to a program.`);
    if (own[name] === undefined) {
      throw refused(`The variable ${name} is not set, so it cannot be passed on.`, {
        action: "Set it for the instance, or leave its name out.",
      });
    }
  }
}

function refused(message: string, facts: { action?: string } = {}): OrchestratorError {
  return new OrchestratorError("bad_request", message, facts);
}
