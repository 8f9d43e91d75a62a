import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { OrchestratorError } from "../core/errors.ts";
import { fleetCredential } from "../core/fleet-key.ts";
import type { Instance } from "../core/instance.ts";

export interface CredentialSources {
  env: Record<string, string | undefined>;
  fleetKey: () => string | undefined;
}

/**
 * Reads an instance's secret afresh from its source; `undefined` where it has none: no credential is
 * configured, or there is no fleet key.
 *
 * @throws OrchestratorError `instance_unauthorized` when a configured source holds no usable secret.
 */
export async function readSecret(
  instance: Instance,
  sources: CredentialSources,
): Promise<string | undefined> {
  const { credential, name, origin } = instance;
  if (!credential) return undefined;
  if (credential.from === "fleet") {
    const key = sources.fleetKey();
    return key ? fleetCredential(key, name, origin) : undefined;
  }
  const text =
    credential.from === "env"
      ? sources.env[credential.name]
      : await readSecretFile(instance, credential.path);
  const secret = text?.trim();
  if (!secret) throw unusable(instance, "which is not set or empty");
  if (!/^[\x21-\x7e]+$/.test(secret)) throw unusable(instance, "whose text no HTTP header can carry");
  return secret;
}

async function readSecretFile(instance: Instance, path: string): Promise<string> {
  try {
    return await readFile(path.startsWith("~/") ? join(homedir(), path.slice(2)) : path, "utf8");
  } catch (error) {
    throw unusable(instance, `which cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function unusable(instance: Instance, why: string): OrchestratorError {
  return new OrchestratorError(
    "instance_unauthorized",
    `Nothing was sent to ${instance.name}: its key is to come from ${sourceOf(instance)}, ${why}.`,
    {
      instance: instance.name,
      delivery: "not_sent",
      action: `Put the key of ${instance.name} into ${sourceOf(instance)}.`,
    },
  );
}

/** Where an instance's secret comes from, in words; never the secret. */
export function sourceOf({ credential }: Instance): string {
  if (!credential) return "its apiKeyEnv or apiKeyFile in the configuration";
  if (credential.from === "env") return `the variable ${credential.name}`;
  if (credential.from === "file") return `the file ${credential.path}`;
  return "the fleet key (ORCHESTRATOR_FLEET_KEY, or ORCHESTRATOR_API_KEY)";
}
