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

export async function bundleScripts(): Promise<Scripts> {
  // Below the package, so that what stays outside of the bundle is found.
  const folder = await mkdtemp(fileURLToPath(new URL("../../node_modules/.chaos-", import.meta.url)));
  await bundle(
    {
      instance: fileURLToPath(new URL("./instance.ts", import.meta.url)),
      orchestrator: fileURLToPath(new URL("./orchestrator.ts", import.meta.url)),
      echo: fileURLToPath(new URL("./echo.ts", import.meta.url)),
      leak: fileURLToPath(new URL("./leak.ts", import.meta.url)),
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
