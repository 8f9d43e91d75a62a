import { describe, expect, it } from "vitest";
import { testEngine } from "../engine/harness.ts";
import { connectRaw } from "./raw-client.ts";

describe("params that the protocol does not allow", () => {
  it.each([
    ["tools/call", {}, "params.name: expected string"],
    ["tools/call", { name: "health", arguments: [] }, "params.arguments: expected object, received array"],
    ["resources/read", {}, "params.uri: expected string"],
    ["prompts/get", { name: "ask_fleet", arguments: { question: 5 } }, "params.arguments.question: expected"],
    ["completion/complete", {}, "params.ref: expected object; params.argument: expected object"],
    ["tasks/get", { taskId: "a\u0000b" }, "taskId: "],
  ])(
    "are the client's own mistake, said by the names of the fields: %s %j",
    async (method, params, words) => {
      const client = await connectRaw(testEngine().engine);
      const { error } = await client.request(method, params);
      expect(error).toMatchObject({ code: -32602, message: expect.stringContaining(words) });
      expect(error?.message).not.toMatch(/[[\]{}]|invalid_type/);
    },
  );
});
