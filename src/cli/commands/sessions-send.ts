import { Command } from "commander";
import type { SendAnswer } from "../../core/answers.ts";
import type { SessionsSendCall } from "../../core/calls.ts";
import { addRunOptions, type RunOptions, runFields, sessionOption, tokenOption } from "../call-options.ts";
import type { CommandBuilder } from "../command-builder.ts";
import { EXIT } from "../exit.ts";
import { readJsonArgument } from "../json-argument.ts";
import { makeCall } from "../make-call.ts";
import { resultWords } from "../outcome-table.ts";
import { show } from "../output.ts";

interface Options extends RunOptions {
  id: string;
  data?: string;
  token?: string;
  queue: boolean;
}

/** `orchestrator sessions_send` */
export const sessionsSendCommand: CommandBuilder = (actions, exit) =>
  addRunOptions(
    new Command("sessions_send")
      .description("sends one message to a session and prints its owner's reply")
      .addOption(sessionOption())
      .option("--data <json>", "the message: JSON, @file, or - for standard input")
      .addOption(tokenOption())
      .option("--no-queue", "refuse while another message is answered, rather than wait for its turn"),
  )
    .addHelpText("after", `\nExample:\n  orchestrator sessions_send --id session1 --data '{"key":"value"}'`)
    .action(async (options: Options) => {
      const { id, token, queue, output } = options;
      const data = await readJsonArgument(options.data, "--data");
      const call: SessionsSendCall = { sessionId: id, data, token, queue, ...runFields(options) };
      exit(
        await makeCall<SendAnswer>(actions, options, {
          make: (orchestrator, watch) => orchestrator.sessionsSend(call, watch),
          instances: async (orchestrator) => {
            const { instance } = await orchestrator.sessionsHistory({ sessionId: id, token, limit: 1 });
            return [instance];
          },
          print: (answer) => show(output, answer, () => resultWords([answer])),
          fates: (answer) => [answer],
          exitCode: ({ reply }) => (reply === "done" ? EXIT.done : EXIT.pending),
        }),
      );
    });
