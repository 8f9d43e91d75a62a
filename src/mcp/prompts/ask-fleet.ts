import { callOf } from "../words.ts";
import { definePrompt, INSTANCES, selectorOf, THEIR_WORDS } from "./define-prompt.ts";

export const askFleet = definePrompt({
  name: "ask_fleet",
  title: "Ask the fleet",
  description: "Asks many instances one question and makes one answer of what they say.",
  tools: ["fanout", "runs_get"],
  arguments: {
    question: { description: "What they are asked.", required: true },
    instances: INSTANCES,
  },
  says: ({ question, instances }) => `Ask the fleet this question, and give me one answer.

Question: ${question}

Ask all of them in one call:
${callOf("fanout", { targets: selectorOf(instances), payload: { message: question } })}

If some are still working, wait for them with runs_get and the runId; do not ask again. Then tell me the answer, where they disagree and who says what, and who has not answered and why. ${THEIR_WORDS}`,
});
