import { callOf } from "../words.ts";
import { definePrompt, INSTANCES, selectorOf, THEIR_WORDS } from "./define-prompt.ts";

export const secondOpinion = definePrompt({
  name: "second_opinion",
  title: "Get a second opinion",
  description: "Has another instance answer a question that you have an answer to, and compares the two.",
  tools: ["delegate", "runs_get"],
  arguments: {
    question: { description: "What the opinion is to be on.", required: true },
    answer: { description: "The answer that you have; the assistant gives its own unless given." },
    instances: INSTANCES,
  },
  says: ({ question, answer, instances }) => {
    const pick = instances === undefined ? { pick: "least-busy" } : {};
    const first = answer === undefined ? "First answer it yourself, in a few lines. " : "";
    return `Get me a second opinion on this question.

Question: ${question}${answer === undefined ? "" : `\n\nThe answer that I have: ${answer}`}

${first}Have another instance answer it without seeing the first answer, so that it thinks for itself:
${callOf("delegate", { instances: selectorOf(instances), payload: { message: question }, ...pick })}

If it is still working, wait for it with runs_get and the runId. Then tell me where the two agree, where they differ, which is better founded there, and what I should check. ${THEIR_WORDS}`;
  },
});
