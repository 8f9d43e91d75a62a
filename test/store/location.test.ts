import { homedir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { stateFolder } from "../../src/store/location.ts";

it.each([
  ["/var/lib/x", path.resolve("/var/lib/x")],
  ["state", path.resolve("state")],
  ["~/state", path.join(homedir(), "state")],
  ["~", homedir()],
  ["~x", path.resolve("~x")],
])("takes the state folder from ORCHESTRATOR_STATE_DIR=%s", (named, expected) => {
  expect(stateFolder({ ORCHESTRATOR_STATE_DIR: named })).toBe(expected);
});

it("uses an absolute folder of its own when none is named, or an empty one", () => {
  const usual = stateFolder({});
  expect(path.isAbsolute(usual)).toBe(true);
  expect(usual.split(path.sep)).toContain("orchestrator");
  expect(stateFolder({ ORCHESTRATOR_STATE_DIR: "" })).toBe(usual);
});
