import type { Finding } from "../cli/actions.ts";
import { createMembers } from "../cluster/members.ts";
import { userConfigFile } from "../config/file.ts";
import { OrchestratorError } from "../core/errors.ts";
import type { App } from "./app.ts";

/** Looks at all that a call depends on, one thing after another, and says what to do about each failure. */
export async function examine(app: App): Promise<Finding[]> {
  return [
    configuration(app),
    await examined("store", () => store(app)),
    ...(await cluster(app)),
    ...(await fleet(app)),
  ];
}

async function examined(what: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { what, ok: true, found: await look() };
  } catch (thrown) {
    const { message, action } = OrchestratorError.from(thrown);
    return { what, ok: false, found: message, action };
  }
}

function configuration({ config }: App): Finding {
  const { error, file } = config;
  if (error) return { what: "configuration", ok: false, found: error.message, action: error.action };
  const found = file === undefined ? `none; ${userConfigFile()} would be read` : `read from ${file}`;
  return { what: "configuration", ok: true, found };
}

/** Writing is what calls need; a key of its own expires at once. */
async function store({ store, stateDir }: App): Promise<string> {
  await store.put("doctor", "{}", { expiresAt: Date.now() + 1_000 });
  const runs = await store.list("run/", { limit: 1_000 });
  return `${stateDir} can be read and written; ${runs.length === 1_000 ? "1,000 runs or more" : `${runs.length} run${runs.length === 1 ? "" : "s"}`}`;
}

async function cluster({ config, keys }: App): Promise<Finding[]> {
  if (!config.known) return [];
  const { clusterUrl, instances } = config.known;
  if (clusterUrl === undefined) return [{ what: "cluster", ok: true, found: "none is configured" }];
  const finding = await examined("cluster", async () => {
    const members = createMembers({ url: clusterUrl, apiKey: keys.apiKey });
    try {
      const [listed, skills] = [await members.list("instance"), await members.list("skill")];
      return `${clusterUrl} lists ${listed.length} instances and ${skills.length} skills`;
    } finally {
      await members.close();
    }
  });
  // A configured fleet works without its cluster.
  return [
    finding.ok || instances.length === 0
      ? finding
      : { ...finding, found: `${finding.found} The configured instances work without it.` },
  ];
}

async function fleet({ engine, config, keys }: App): Promise<Finding[]> {
  if (!config.known) return [];
  const found = await engine.health({ detail: true });
  if (found.length === 0) {
    return [
      {
        what: "fleet",
        ok: false,
        found: "no instance is known",
        action: "Start a fleet with `orchestrator up`, or name instances in `fleet` of the configuration.",
      },
    ];
  }
  const key = keys.apiKey() === undefined ? "ORCHESTRATOR_API_KEY is not set" : "ORCHESTRATOR_API_KEY is set";
  return [
    { what: "fleet", ok: true, found: `${found.length} instances; ${key}` },
    ...found.map(
      ({ instance, state, reason, source }): Finding => ({
        what: `instance ${instance}`,
        ok: state === "healthy",
        found: `${state}: ${reason}`,
        ...(state !== "healthy" && {
          action:
            source === "config"
              ? "Check its url and its key in the configuration, and that it runs."
              : "Start it again; it registers with the cluster by itself.",
        }),
      }),
    ),
  ];
}
