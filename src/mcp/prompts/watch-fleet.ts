import { callOf } from "../words.ts";
import { definePrompt, INSTANCES, selectorOf, THEIR_WORDS } from "./define-prompt.ts";

export const watchFleet = definePrompt({
  name: "watch_fleet",
  title: "Watch the fleet",
  description: "Tells who is not well and why, and which work is still open.",
  tools: ["health", "runs_list", "runs_get"],
  arguments: { instances: INSTANCES },
  says: ({ instances }) => `Tell me how the fleet is.

Look at the instances, and at the newest runs:
${callOf("health", { instances: selectorOf(instances), detail: true })}
${callOf("runs_list", { limit: 20 })}

If all is well and nothing is open, say so in one line. Otherwise tell me who is not well, since when and why, which runs went elsewhere because of it, which runs are open and for whom they wait (runs_get), and what I should do. ${THEIR_WORDS}`,
});
