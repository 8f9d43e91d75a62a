import { callOf } from "../words.ts";
import { definePrompt, INSTANCES, selectorOf, THEIR_WORDS } from "./define-prompt.ts";

export const divideJob = definePrompt({
  name: "divide_job",
  title: "Divide a job",
  description:
    "Splits a job into parts, has the fleet do them at the same time and puts the results together.",
  tools: ["health", "orchestrate", "runs_get"],
  arguments: {
    job: { description: "What is to be done.", required: true },
    instances: INSTANCES,
  },
  says: ({ job, instances }) => {
    const pool = selectorOf(instances);
    const delegate = { instances: pool, pick: "least-busy", payload: { message: "${item}" } };
    const parts = ["the first part", "the second part"];
    return `Divide this job among the fleet.

Job: ${job}

1. See who is there, and by their tags what they are for:
${callOf("health", { instances: pool })}
2. Split the job into parts that do not need each other. Say everything in each part: an instance knows nothing else of the job.
3. Have them done as one plan, with your parts in the place of these two:
${callOf("orchestrate", { steps: [{ id: "parts", forEach: parts, delegate }] })}
4. While it is under way, wait with runs_get and the runId. If it failed, mend what the error names and resume it with that runId: what is done is not done again.

Then put the results together for me, and say which part is missing, if any. ${THEIR_WORDS}`;
  },
});
