import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLEET_URI, type Named, readUri, resultUri, runUri, sessionUri } from "../../src/mcp/uris.ts";

const id = fc.string({ minLength: 1, unit: "grapheme" });

describe("a URI of ours", () => {
  it("is read as what it was made of, whatever the ids are", () => {
    fc.assert(
      fc.property(id, id, fc.nat(1e9), (first, second, offset) => {
        const cases: [string, Named][] = [
          [FLEET_URI, { kind: "fleet" }],
          [runUri(first), { kind: "run", runId: first }],
          [resultUri(first, second, offset), { kind: "result", runId: first, instance: second, offset }],
          [sessionUri(first), { kind: "session", sessionId: first }],
        ];
        for (const [uri, named] of cases) expect(readUri(uri)).toEqual(named);
      }),
    );
  });

  it.each([
    ...["", "orchestrator://", "orchestrator://runs", "orchestrator://runs/", "orchestrator://fleet/A"],
    ...[
      "orchestrator://runs//A",
      "orchestrator://runs/r/",
      "orchestrator://runs/r/A/more",
      "orchestrator://runs/%ff",
    ],
    ...["orchestrator://runs/r?offset=1", "orchestrator://runs/r/A?offset=-1", "orchestrator://sessions/s/A"],
    ...[
      "orchestrator://runs/r/A?offset=1e3",
      "orchestrator://runs/r/A#x",
      "file:///etc/passwd",
      "Orchestrator://fleet",
    ],
  ])("is not %s", (uri) => {
    expect(readUri(uri)).toBeUndefined();
  });
});
