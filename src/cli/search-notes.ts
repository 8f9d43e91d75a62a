/**
 * What a person should know of what the search workers took, from what they say of themselves; nothing
 * when all is well or the worker is another one.
 */
export function searchNotes(instances: readonly { facts: Record<string, unknown> }[]): string[] {
  const searching = instances.map(({ facts }) => facts).filter(({ files }) => typeof files === "number");
  if (searching.length === 0) return [];
  if (searching.every(({ files }) => files === 0)) {
    return ["There is no text file to search in this folder. Start in another one, or name it with --root."];
  }
  const full = searching.some(({ leftOut }) => (leftOut as { overLimit?: number } | undefined)?.overLimit);
  if (!full) return [];
  return [
    "Not all files are searched: an instance takes 20,000 files or 200 MB. Start more instances, or narrow the folder with --root or --only.",
  ];
}
