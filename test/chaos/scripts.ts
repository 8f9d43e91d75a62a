import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../scripts/bundle.ts";

/** The processes' programs, bundled: a loader would cost each of the hundreds that are started a second. */
export interface Scripts {
  instance: string;
  orchestrator: string;
  echo: string;
  leak: string;
  remove(): Promise<void>;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export async function bundleScripts(): Promise<Scripts> {
  // Below the package, so that what stays outside of the bundle is found.
  const folder = await mkdtemp(here("../../node_modules/.chaos-"));
  await bundle(
    {
      instance: here("./instance.ts"),
      orchestrator: here("./orchestrator.ts"),
      echo: here("./echo.ts"),
      leak: here("./leak.ts"),
    },
    folder,
  );
  return {
    instance: join(folder, "instance.js"),
    orchestrator: join(folder, "orchestrator.js"),
    echo: join(folder, "echo.js"),
    leak: join(folder, "leak.js"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
