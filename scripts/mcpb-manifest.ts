import { TOOLS } from "../src/mcp/tools/index.ts";
import { ASKED_FOR, PACKAGE } from "./generate/server-json.ts";

// manifest.json of the MCPB bundle: https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md, version 0.3.

/** @param platforms As Node calls them, such as `darwin`. */
export function mcpbManifest(platforms: readonly string[]): object {
  const { version, description, keywords, license, author, engines } = PACKAGE;
  return {
    manifest_version: "0.3",
    name: "orchestrator",
    display_name: "Orchestrator",
    version,
    description,
    author: { name: author },
    license,
    keywords,
    server: {
      type: "node",
      entry_point: "dist/main.js",
      mcp_config: {
        command: "node",
        // The client puts its folder there.
        args: ["${__dirname}/dist/main.js"],
        env: Object.fromEntries(
          ASKED_FOR.map(({ variable }) => [variable, `\${user_config.${fieldOf(variable)}}`]),
        ),
      },
    },
    tools: TOOLS.map(({ name, advertised }) => ({ name, description: firstLine(advertised.description) })),
    // The server itself lists them.
    prompts_generated: true,
    compatibility: { platforms, runtimes: { node: engines.node } },
    user_config: Object.fromEntries(
      ASKED_FOR.map(({ variable, title, description: what, secret }) => [
        fieldOf(variable),
        // Without a default the client would hand on its own placeholder as the value.
        { type: "string", title, description: what, required: false, sensitive: secret, default: "" },
      ]),
    ),
  };
}

/** `ORCHESTRATOR_API_KEY`: `api_key`. */
function fieldOf(variable: string): string {
  return variable.replace(/^ORCHESTRATOR_/, "").toLowerCase();
}

function firstLine(text = ""): string {
  return text.split("\n", 1)[0] ?? "";
}
