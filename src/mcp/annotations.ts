// The hints of the tools, by what they do to the world.

/** Reads what this orchestrator stores. */
export const READS = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** Has instances do work: what they do, they alone know. */
export const WORKS = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** Ends something at its instance; doing it again changes nothing more. */
export const ENDS = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: true,
};
