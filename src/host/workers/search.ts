import { basename } from "node:path";
import { OrchestratorError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Logger } from "../../core/ports.ts";
import type { Worker, WorkerReply, WorkerTask, WorkerTurn } from "../worker.ts";
import { type CorpusOptions, openCorpus } from "./corpus.ts";
import { noWords, queryOf, readRequest, type SearchRequest } from "./query.ts";
import { buildIndex, type IndexProgress, type SearchIndex } from "./search-index.ts";

export interface SearchOptions extends CorpusOptions {
  logger: Logger;
  /** Called while the index is built, about every 10 ms, and at its end. */
  onProgress?: ((progress: IndexProgress) => void) | undefined;
}

/** A long text as a query would hold up everybody else's. */
const MOST_WORDS = 64;
/** So many ids fit well below the 512 KiB that a stored value may have. */
const MOST_KEPT = 2000;

/**
 * A worker that searches the text files of a folder: it is ready, its index built, when this returns.
 * @throws OrchestratorError `bad_request` for a folder or a share that cannot be searched.
 */
export async function createSearchWorker(options: SearchOptions): Promise<Worker> {
  const started = performance.now();
  const corpus = await openCorpus(options);
  const index = await buildIndex(corpus, options.onProgress);
  const figures = { files: index.files, sections: index.sections, leftOut: corpus.leftOut };
  const ms = Math.round(performance.now() - started);
  options.logger.info(
    { root: corpus.root, share: options.share, ...figures, ms },
    "The search index is built.",
  );

  return {
    description: {
      does:
        `Full-text search over ${index.sections} sections of ${index.files} files` +
        `${shareText(options.share)} in the folder "${basename(corpus.root)}".`,
      payload:
        '{"query": "words", "limit": 10}, a plain string, or any other JSON, whose text values are then the query. ' +
        `"limit" is at most 100; of a long query the first ${MOST_WORDS} words count. In a session, {"narrow": "words"} ` +
        `searches only among what the message before it found (the best ${MOST_KEPT} of it).`,
      example: { query: "error handling", limit: 5 },
    },
    run: async (task) => search(index, task),
    facts: () => ({ ...figures, leftOut: { ...figures.leftOut } }),
    close: async () => {},
  };
}

function search(index: SearchIndex, { payload, session, cancellation }: WorkerTask): WorkerReply {
  cancellation.throwIfCancelled();
  const request = readRequest(payload);
  const words = index.words(request.query);
  if (words.length === 0) throw noWords(request);
  const looked = words.slice(0, MOST_WORDS);
  const query = words.length > looked.length ? looked.join(" ") : request.query;

  const { ids, hits } = index.find(looked, request.limit, amongWhat(index, request, session));
  const result: Json = { query, total: ids.length, hits: hits.map((hit) => ({ ...hit })) };
  return session ? { result, state: { ids: ids.slice(0, MOST_KEPT) } } : { result };
}

function amongWhat(
  index: SearchIndex,
  { narrow }: SearchRequest,
  session: WorkerTask["session"],
): ReadonlySet<string> | undefined {
  if (!narrow) return undefined;
  const kept = session?.state as { ids: string[] } | undefined;
  const ids = kept?.ids ?? foundAgain(index, session?.history ?? []);
  if (ids) return new Set(ids);
  throw new OrchestratorError(
    "bad_request",
    '"narrow" has nothing to narrow: no earlier message of this session searched.',
    {
      action: 'Send {"query": "words"} in a session first, then {"narrow": "words"} in the same one.',
    },
  );
}

/** What the last searches of a session that moved here find in this folder: what they found elsewhere is not here. */
function foundAgain(index: SearchIndex, history: readonly WorkerTurn[]): readonly string[] | undefined {
  const requests = history.map(({ data }) => queryOf(data));
  const first = requests.findLastIndex(({ narrow }) => !narrow);
  if (first < 0) return undefined;
  return requests.slice(first).reduce<readonly string[] | undefined>((among, { query }) => {
    const words = index.words(query).slice(0, MOST_WORDS);
    return index.find(words, 0, among && new Set(among)).ids.slice(0, MOST_KEPT);
  }, undefined);
}

function shareText(share: SearchOptions["share"]): string {
  return share && share.of > 1 ? ` (share ${share.index + 1} of ${share.of})` : "";
}
