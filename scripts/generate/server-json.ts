import { readFileSync } from "node:fs";

// What the MCP registry lists: https://github.com/modelcontextprotocol/registry. It takes a version of the package
// only if that one's `mcpName` is the name here.

const SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/** What a person who adds the server may be asked for, each of it optional; the MCPB bundle asks for the same. */
export const ASKED_FOR = [
  {
    variable: "ORCHESTRATOR_API_KEY",
    title: "API key",
    description: "Key of the cluster and of the fleet. A fleet on this machine without keys needs none.",
    secret: true,
  },
  {
    variable: "ORCHESTRATOR_CONFIG",
    title: "Configuration file",
    description: "Path of a configuration file, unless it lies in the user's configuration folder.",
    secret: false,
  },
];

/** The manifest of the package, as far as what is made from it needs it. */
export const PACKAGE = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  name: string;
  version: string;
  mcpName: string;
  description: string;
  keywords: string[];
  license: string;
  author: string;
  engines: { node: string };
  dependencies: Record<string, string>;
};

export function serverJson(): string {
  const { name, version, mcpName } = PACKAGE;
  const server = {
    $schema: SCHEMA,
    name: mcpName,
    title: "Orchestrator",
    // At most 100 characters.
    description: "Runs a fleet of agent instances: delegate, fan out and combine answers, keep sessions.",
    version,
    packages: [
      {
        registryType: "npm",
        identifier: name,
        version,
        runtimeHint: "npx",
        transport: { type: "stdio" },
        environmentVariables: ASKED_FOR.map(({ variable, description, secret }) => ({
          name: variable,
          description,
          isRequired: false,
          isSecret: secret,
          format: secret ? "string" : "filepath",
        })),
      },
    ],
  };
  return `${JSON.stringify(server, null, 2)}\n`;
}
