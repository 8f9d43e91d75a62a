import { posix } from "node:path";
import type { Document } from "./corpus.ts";

/** What a search finds: a part of a file. */
export interface Section {
  /** `path#` and a slug of the heading, or a number; unique in a corpus, the same as long as the file is. */
  id: string;
  path: string;
  title: string;
  text: string;
}

const CHUNK_LINES = 200;
/** Beyond this a line that begins with "#" is data, not a title. */
const LONGEST_HEADING = 500;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]+(.*))?$/;
const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$/;

/** Markdown in sections, one a heading; any other text in pieces of at most 200 lines. */
export function splitSections(document: Document): Section[] {
  return /\.(?:md|markdown)$/i.test(document.path) ? splitMarkdown(document) : splitLines(document);
}

function splitMarkdown({ path, text }: Document): Section[] {
  const sections: Section[] = [];
  const taken = new Set<string>();
  let title = "";
  let lines: string[] = [];
  let fence: string | undefined;

  const end = () => {
    const body = lines.join("\n").trim();
    if (title || body) {
      sections.push({
        id: `${path}#${slug(title, taken)}`,
        path,
        title: title || posix.basename(path),
        text: body,
      });
    }
    lines = [];
  };

  for (const line of text.split(/\r?\n/)) {
    const heading = fence === undefined ? HEADING.exec(line) : null;
    if (heading) {
      end();
      title = plainTitle(heading[1] ?? "");
      continue;
    }
    fence = fenceAfter(line, fence);
    lines.push(line);
  }
  end();
  return sections;
}

/** The fence that is open after a line; one closes with at least as many of its own marks and nothing else. */
function fenceAfter(line: string, open: string | undefined): string | undefined {
  const [, marks, info] = FENCE.exec(line) ?? [];
  if (!marks) return open;
  if (open === undefined) return marks;
  return marks.startsWith(open) && !info?.trim() ? undefined : open;
}

/** A heading without its closing marks, link targets and images. */
function plainTitle(heading: string): string {
  return heading
    .slice(0, LONGEST_HEADING)
    .replace(/(?:^|[ \t]+)#+[ \t]*$/, "")
    .replace(/!\[[^\]]*\]\([^)]*\)/g, "")
    .replace(/\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, "$1")
    .trim();
}

/** An anchor for a heading, numbered when it is empty or taken. */
function slug(title: string, taken: Set<string>): string {
  const words =
    title
      .toLowerCase()
      .match(/[\p{L}\p{N}_]+/gu)
      ?.slice(0, 12) ?? [];
  let candidate = words.join("-").slice(0, 80);
  for (let n = 1; !candidate || taken.has(candidate); n++) candidate = [...words, n].join("-");
  taken.add(candidate);
  return candidate;
}

function splitLines({ path, text }: Document): Section[] {
  const lines = text.trimEnd().split(/\r?\n/);
  const name = posix.basename(path);
  const sections: Section[] = [];
  for (let from = 0; from < lines.length; from += CHUNK_LINES) {
    const piece = lines.slice(from, from + CHUNK_LINES);
    const body = piece.join("\n");
    if (!body.trim()) continue;
    const title = lines.length > CHUNK_LINES ? `${name}, lines ${from + 1} to ${from + piece.length}` : name;
    sections.push({ id: `${path}#${from / CHUNK_LINES + 1}`, path, title, text: body });
  }
  return sections;
}
