import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Json } from "../../../src/core/json.ts";
import { delegateInput, fanoutInput } from "../../../src/core/requests.ts";
import { WORKS } from "../../../src/mcp/annotations.ts";
import { defineTool, type Tool } from "../../../src/mcp/define-tool.ts";

// The suite's tools that do what ours do, on the same engine and a real fleet: they answer in words, fail, report
// progress, and outlast their calls.

/** What each instance does with a payload: sleeps for so many seconds, then fails or says its payload. */
export const WORKER = `read -r line
sleep "$(printf %s "$line" | sed -n 's/.*"seconds":\\([0-9.]*\\).*/\\1/p' | grep . || echo 0)"
case $line in *'"fail":true'*) echo "failed, as it was told" >&2; exit 1 ;; esac
printf '%s\\n' "$line"
`;

const fixture = {
  title: "A fixture",
  description: "A fixture of the conformance suite.",
  annotations: WORKS,
  output: z.looseObject({}),
};

function sayingTool(name: string, text: string): Tool {
  return defineTool({
    ...{ ...fixture, name, input: z.looseObject({}), example: {} },
    call: async () => text,
    respond: () => ({ text, structured: {} }),
  });
}

type Arguments = Record<string, Json>;

/** A tool that has one instance do work; `ends` is done once it has ended. */
function workingTool(name: string, payloadOf: (args: Arguments) => Arguments, ends = () => {}): Tool {
  return defineTool({
    ...{ ...fixture, name, input: z.looseObject({}), example: {} },
    async call(engine, { wait, ...args }, context) {
      const asked = { instances: ["A-C"], payload: payloadOf(args as Arguments), timeout: "120s" };
      const limit = typeof wait === "number" ? { wait } : {};
      const answer = await engine.delegate({ ...delegateInput.parse(asked), ...limit }, context);
      ends();
      return answer;
    },
    respond: (answer) => ({ text: JSON.stringify(answer), structured: answer }),
    runs: { operation: "delegate", isPending: (answer) => "reply" in answer && answer.reply === "pending" },
  });
}

const seconds = (args: Arguments): Arguments => ({ seconds: args.seconds ?? 1 });

export const WORKING_TOOLS: readonly Tool[] = [
  sayingTool("test_simple_text", "This is a simple text response for testing."),
  sayingTool("test_logging_tool", "Said without a word to any log."),
  defineTool({
    ...{ ...fixture, name: "greet", input: z.object({ name: z.string() }), example: { name: "World" } },
    call: async (_engine, { name }) => name,
    respond: (name) => ({ text: `Hello, ${name}!`, structured: {} }),
  }),
  sayingTool("confirm_delete", "Nobody was asked: a task of ours asks nothing."),
  defineTool({
    ...{ ...fixture, name: "test_error_handling", input: z.looseObject({}), example: {} },
    call: (engine, _input, context) =>
      engine.delegate(delegateInput.parse({ instances: ["A"], payload: { fail: true } }), context),
    respond: (answer) => ({ text: "It should have failed.", structured: answer }),
  }),
  defineTool({
    ...{ ...fixture, name: "test_tool_with_progress", input: z.looseObject({}), example: {} },
    call: (engine, _input, context) =>
      engine.fanout(fanoutInput.parse({ targets: ["A-C"], payload: {} }), context),
    respond: (answer) => ({ text: "Each of them is done.", structured: answer }),
  }),
  workingTool("slow_compute", seconds),
  workingTool("failing_job", () => ({ seconds: 1, fail: true })),
  workingTool("protocol_error_job", seconds, () => {
    throw new ProtocolError(ProtocolErrorCode.InternalError, "The fixture breaks off, as it was told.");
  }),
  workingTool("test_tool_with_task", (args) => ({ seconds: 1, ...args })),
];
