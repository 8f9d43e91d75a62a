import { setImmediate } from "node:timers/promises";
import MiniSearch from "minisearch";
import type { Corpus } from "./corpus.ts";
import { type Section, splitSections } from "./sections.ts";
import { snippet } from "./snippet.ts";

export interface Hit {
  id: string;
  title: string;
  path: string;
  /** Higher is better; comparable only within one answer of one instance. */
  score: number;
  /** The passage around the first word found, on one line. */
  snippet: string;
}

export interface Found {
  /** Ids of all sections that have at least one of the words, best first. */
  ids: string[];
  /** The best of them. */
  hits: Hit[];
}

export interface IndexProgress {
  files: number;
  totalFiles: number;
  sections: number;
}

export interface SearchIndex {
  files: number;
  sections: number;
  /** The words that a query is looked up by. */
  words(query: string): string[];
  /** Sections with at least one word, or a longer form of it; `among` limits them to these ids. */
  find(words: readonly string[], limit: number, among?: ReadonlySet<string>): Found;
}

/** Work at most so long before timers and sockets get their turn. */
const SLICE_MS = 10;
/** Words shorter than this match only as they are: "a" would find half of everything. */
const SHORTEST_PREFIX = 3;

/** Indexes a corpus; the event loop goes on meanwhile. */
export async function buildIndex(
  corpus: Corpus,
  onProgress: (progress: IndexProgress) => void = () => {},
): Promise<SearchIndex> {
  const engine = new MiniSearch<{ id: number; title: string; text: string }>({
    fields: ["title", "text"],
    searchOptions: { boost: { title: 2 }, prefix: (word) => word.length >= SHORTEST_PREFIX },
  });
  const sections: Section[] = [];
  const totalFiles = corpus.files.length;
  let files = 0;
  let since = performance.now();

  for await (const document of corpus.documents()) {
    files++;
    for (const section of splitSections(document)) {
      engine.add({ id: sections.push(section) - 1, title: section.title, text: section.text });
      if (performance.now() - since < SLICE_MS) continue;
      onProgress({ files, totalFiles, sections: sections.length });
      await setImmediate();
      since = performance.now();
    }
  }
  onProgress({ files, totalFiles, sections: sections.length });

  const tokenize = MiniSearch.getDefault("tokenize") as (text: string) => string[];
  const sectionOf = (id: number) => sections[id] as Section;
  return {
    files,
    sections: sections.length,
    words: (query) => tokenize(query).filter(Boolean),
    find(words, limit, among) {
      const all = engine.search(
        words.join(" "),
        among && { filter: ({ id }) => among.has(sectionOf(id).id) },
      );
      const hits = all.slice(0, limit).map(({ id, score, terms }) => {
        const section = sectionOf(id);
        const { title, path, text } = section;
        return {
          id: section.id,
          title,
          path,
          score: Math.round(score * 1000) / 1000,
          snippet: snippet(text, terms),
        };
      });
      return { ids: all.map(({ id }) => sectionOf(id).id), hits };
    },
  };
}
