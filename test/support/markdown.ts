// As much of Markdown and YAML as our own documents use.

export interface CodeBlock {
  /** What stands behind the opening fence, such as `json`. */
  info: string;
  text: string;
  /** The line of the opening fence, from 1 on. */
  line: number;
}

const FENCE = /^```(.*)\n([\s\S]*?)\n```$/gm;

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(FENCE)].map(({ 1: info = "", 2: text = "", index }) => ({
    info,
    text,
    line: markdown.slice(0, index).split("\n").length,
  }));
}

/** The text of `code` within lines. */
export function codeSpans(markdown: string): string[] {
  return [...withoutBlocks(markdown).matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);
}

/** Targets of links that are no URL. */
export function links(markdown: string): string[] {
  return [...withoutBlocks(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The ids that headings have on GitHub. */
export function headingIds(markdown: string): string[] {
  return [...withoutBlocks(markdown).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

function withoutBlocks(markdown: string): string {
  return markdown.replace(FENCE, "");
}

/**
 * The scalars of a frontmatter in block style by their dotted path; those of a list are joined by spaces.
 *
 * @throws Error for what is no such YAML.
 */
export function frontmatter(markdown: string): Record<string, string> {
  const [, yaml] = /^---\n([\s\S]*?)\n---\n/.exec(markdown) ?? [];
  if (yaml === undefined) throw new Error("There is no frontmatter.");
  const fields: Record<string, string> = {};
  const path: string[] = [];
  for (const line of yaml.split("\n")) {
    const [, indent = "", dash, key, value = ""] =
      /^((?: {2})*)(- )?(?:([A-Za-z]+):(?= |$))? ?(.*)$/.exec(line) ?? [];
    if (/: | #|^[&*!|>{[%@"'`-]/.test(value)) throw new Error(`This is no plain scalar: ${line}`);
    path.length = indent.length / 2 + (dash ? 1 : 0);
    if (key !== undefined) path[path.length] = key;
    else if (!dash) throw new Error(`This is no line of a mapping or a list: ${line}`);
    if (value === "") continue;
    const name = path.filter(Boolean).join(".");
    fields[name] = fields[name] === undefined ? value : `${fields[name]} ${value}`;
  }
  return fields;
}
