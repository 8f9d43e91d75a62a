/** What is said beside a run that answers another call than the one that made it. */
export const ANSWERED_EARLIER =
  "This is the run of an identical call whose answer reached nobody; nothing was sent again. Pass fresh: true to do the work anew.";
