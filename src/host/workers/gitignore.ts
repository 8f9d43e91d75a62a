import ignore, { type Ignore } from "ignore";

/** Git compares names as the platform's usual file system does. */
const IGNORE_CASE = process.platform === "darwin" || process.platform === "win32";

/** The rules of every `.gitignore` from the root down to one folder; a deeper file's rules win. */
export class GitignoreRules {
  readonly #rules: Ignore = ignore({ ignorecase: IGNORE_CASE });

  /** Whether a path below the root is ignored; a folder's path ends with a slash. */
  ignores(path: string): boolean {
    return this.#rules.ignores(path);
  }

  /** These rules and those of one more file. `folder` is its folder: "" for the root, else `a/b/`. */
  and(folder: string, text: string): GitignoreRules {
    const both = new GitignoreRules();
    both.#rules.add(this.#rules).add(text.split(/\r?\n/).flatMap((line) => fromRoot(folder, line)));
    return both;
  }
}

/** A rule of a folder's file as one of the root's, so that all can be judged together, last match first. */
function fromRoot(folder: string, line: string): string[] {
  if (line.startsWith("#") || /^!?\/*\s*$/.test(line)) return [];
  const negation = line.startsWith("!") ? "!" : "";
  const pattern = line.slice(negation.length);
  const anchored = /\/./.test(pattern.trimEnd());
  const base = `/${folder.replace(/[\\*?[\]]/g, "\\$&")}`;
  return [`${negation}${base}${anchored ? pattern.replace(/^\//, "") : `**/${pattern}`}`];
}
