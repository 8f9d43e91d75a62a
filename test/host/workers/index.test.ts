import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/core/cancellation.ts";
import { createWorker, type WorkerSpec } from "../../../src/host/workers/index.ts";
import { recordingLogger } from "../../support/logger.ts";
import { folderOf } from "./folder.ts";

describe("createWorker", () => {
  it.each<[WorkerSpec["kind"], (root: string) => WorkerSpec, unknown]>([
    [
      "search",
      (root) => ({ kind: "search", root, explicitRoot: false, logger: recordingLogger() }),
      { query: "hello", total: 1, hits: [expect.objectContaining({ id: "a.md#1" })] },
    ],
    ["exec", () => ({ kind: "exec", command: ["cat"] }), "hello"],
    ["module", (root) => ({ kind: "module", path: join(root, "m.mjs") }), { got: "hello" }],
  ])("makes a %s worker that answers", async (_, spec, result) => {
    const root = await folderOf({ "a.md": "hello", "m.mjs": "export default (got) => ({ got })" });
    const worker = await createWorker(spec(root));
    expect(
      await worker.run({ key: "k", hops: 0, payload: "hello", cancellation: new Cancellation() }),
    ).toEqual({ result });
    await worker.close();
  });
});
