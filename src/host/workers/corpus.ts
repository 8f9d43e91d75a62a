import { readdir, readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { extname, join, sep } from "node:path";
import { OrchestratorError } from "../../core/errors.ts";
import { GitignoreRules } from "./gitignore.ts";
import { readText } from "./text-file.ts";

/** Why something under the root is not in the corpus. A folder that is left out counts once. */
export type LeftOutReason =
  | "dotfile"
  | "link"
  | "ignored"
  | "extension"
  | "special"
  | "binary"
  | "unreadable"
  | "overLimit";

export type LeftOut = Partial<Record<LeftOutReason, number>>;

/** An equal part of a corpus: of the files in order of their paths, every `of`-th from `index` (0-based) on. */
export interface Share {
  index: number;
  of: number;
}

export interface CorpusOptions {
  root: string;
  /** The person named this folder: it may be `/` or hold the home folder. */
  explicitRoot: boolean;
  /** Take only files that end so, such as `.md`. */
  only?: readonly string[] | undefined;
  share?: Share | undefined;
  /** What one share may hold; 20,000 files and 200 MB unless told otherwise. */
  limits?: { files: number; bytes: number } | undefined;
  home?: string | undefined;
}

export interface Document {
  /** Below the root, with `/` between folders. */
  path: string;
  text: string;
}

export interface Corpus {
  root: string;
  /** Paths of this share's files, in order. */
  files: string[];
  /** The whole tree's, and of this share what {@link documents} could not take: complete when that has ended. */
  leftOut: LeftOut;
  /** Reads the files one after the other. */
  documents(): AsyncGenerator<Document>;
}

const LIMITS = { files: 20_000, bytes: 200_000_000 };

/**
 * Lists the files of a folder that a search may show.
 * @throws OrchestratorError `bad_request` for a root that is no folder or too wide, or an impossible share.
 */
export async function openCorpus(options: CorpusOptions): Promise<Corpus> {
  const limits = options.limits ?? LIMITS;
  const share = checkedShare(options.share ?? { index: 0, of: 1 });
  const root = await checkedRoot(options);
  const leftOut: LeftOut = {};
  const leave = (reason: LeftOutReason) => {
    leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  };

  const all = await list(root, extensions(options.only), limits.files * share.of, leave);
  const mine = all.sort().filter((_path, index) => index % share.of === share.index);
  for (const _path of mine.slice(limits.files)) leave("overLimit");
  const files = mine.slice(0, limits.files);

  async function* documents(): AsyncGenerator<Document> {
    let room = limits.bytes;
    for (const path of files) {
      const read = await readText(join(root, path), room);
      if ("leftOut" in read) {
        leave(read.leftOut);
        continue;
      }
      room -= read.bytes;
      yield { path, text: read.text };
    }
  }

  return { root, files, leftOut, documents };
}

/** Every wanted file below `root`; at `most`, the walk ends and what else lies in open folders is counted. */
async function list(
  root: string,
  wanted: ReadonlySet<string> | undefined,
  most: number,
  leave: (reason: LeftOutReason) => void,
): Promise<string[]> {
  const files: string[] = [];

  async function visit(folder: string, inherited: GitignoreRules): Promise<void> {
    let opened: Awaited<ReturnType<typeof open>>;
    try {
      opened = await open(root, folder, inherited);
    } catch {
      leave("unreadable");
      return;
    }
    for (const entry of opened.entries) {
      const path = folder + entry.name;
      if (files.length >= most) leave("overLimit");
      else if (entry.name.startsWith(".")) leave("dotfile");
      else if (entry.isSymbolicLink()) leave("link");
      else if (entry.isDirectory()) {
        if (opened.rules.ignores(`${path}/`)) leave("ignored");
        else await visit(`${path}/`, opened.rules);
      } else if (!entry.isFile()) leave("special");
      else if (wanted && !wanted.has(extname(entry.name).toLowerCase())) leave("extension");
      else if (opened.rules.ignores(path)) leave("ignored");
      else files.push(path);
    }
  }

  await visit("", new GitignoreRules());
  return files;
}

/** A folder's entries by name, and the rules that hold in it. A folder whose rules cannot be read stays shut. */
async function open(root: string, folder: string, inherited: GitignoreRules) {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const own = entries.some((entry) => entry.name === ".gitignore" && entry.isFile());
  const rules = own
    ? inherited.and(folder, await readFile(join(root, folder, ".gitignore"), "utf8"))
    : inherited;
  return { entries, rules };
}

function extensions(only: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (!only?.length) return undefined;
  return new Set(only.map((extension) => `.${extension.replace(/^\*?\./, "").toLowerCase()}`));
}

function checkedShare(share: Share): Share {
  const { index, of } = share;
  if (Number.isInteger(index) && Number.isInteger(of) && index >= 0 && index < of) return share;
  throw new OrchestratorError("bad_request", `There is no share ${index} of ${of}: shares count from 0.`);
}

async function checkedRoot({ root, explicitRoot, home = homedir() }: CorpusOptions): Promise<string> {
  let real: string;
  try {
    real = await realpath(root);
    await readdir(real);
  } catch (cause) {
    const action = "Name a folder that exists and may be read.";
    throw new OrchestratorError("bad_request", `The root "${root}" cannot be read as a folder.`, {
      action,
      cause,
    });
  }
  const realHome = await realpath(home).catch(() => home);
  const holdsHome = real === sep || `${realHome}${sep}`.startsWith(`${real}${sep}`);
  if (!holdsHome || explicitRoot) return real;
  throw new OrchestratorError(
    "bad_request",
    `The folder "${root}" is the home folder or holds it: it is not searched unasked.`,
    {
      action: "Start in a smaller folder, or name this one explicitly with --root.",
    },
  );
}
