import { execFileSync } from "node:child_process";
import { chmod, symlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CorpusOptions, openCorpus } from "../../../src/host/workers/corpus.ts";
import { folderOf } from "./folder.ts";

const open = (root: string, more: Partial<CorpusOptions> = {}) =>
  openCorpus({ root, explicitRoot: false, ...more });

async function read(root: string, more: Partial<CorpusOptions> = {}) {
  const corpus = await open(root, more);
  const documents = [];
  for await (const document of corpus.documents()) documents.push(document);
  return { documents, paths: documents.map(({ path }) => path), leftOut: corpus.leftOut };
}

describe("the files of a folder", () => {
  it("are listed by path at every depth and read as text", async () => {
    const root = await folderOf({ "b.txt": "B", "a/z.md": "Z", "a/b/c.md": "\uFEFFC", "a.md": "Ä" });
    const { documents, leftOut } = await read(root);
    expect(documents).toEqual([
      { path: "a.md", text: "Ä" },
      { path: "a/b/c.md", text: "C" },
      { path: "a/z.md", text: "Z" },
      { path: "b.txt", text: "B" },
    ]);
    expect(leftOut).toEqual({});
  });

  it("leave out dotfiles, links, special files and binaries, each counted", async () => {
    const root = await folderOf({
      "text.md": "text",
      ".env": "SECRET=1",
      ".git/config": "x",
      "image.png": new Uint8Array([137, 80, 0, 1]),
      "late-nul.txt": `${"x".repeat(8192)}\0`,
      "early-nul.txt": `${"x".repeat(8191)}\0${"x".repeat(100)}`,
    });
    await symlink("/etc", join(root, "linked-folder"));
    await symlink(join(root, ".env"), join(root, "linked.md"));
    execFileSync("mkfifo", [join(root, "pipe")]);
    const { paths, leftOut } = await read(root);
    expect(paths).toEqual(["late-nul.txt", "text.md"]);
    expect(leftOut).toEqual({ dotfile: 2, link: 2, special: 1, binary: 2 });
  });

  it.skipIf(process.getuid?.() === 0)("count what may not be read", async () => {
    const root = await folderOf({
      "shut.md": "x",
      "shut/a.md": "x",
      "rules/.gitignore": "a.md",
      "rules/a.md": "x",
    });
    for (const path of ["shut.md", "shut", "rules/.gitignore"]) await chmod(join(root, path), 0);
    const { paths, leftOut } = await read(root);
    await chmod(join(root, "shut"), 0o700);
    expect(paths).toEqual([]);
    expect(leftOut).toEqual({ unreadable: 3 });
  });

  it("count a file that has gone by the time it is read", async () => {
    const root = await folderOf({ "a.md": "a", "b.md": "b" });
    const corpus = await open(root);
    execFileSync("rm", [join(root, "a.md")]);
    const documents = [];
    for await (const document of corpus.documents()) documents.push(document);
    expect(documents).toEqual([{ path: "b.md", text: "b" }]);
    expect(corpus.leftOut).toEqual({ unreadable: 1 });
  });

  it.each([[[".md"]], [["md"]], [["*.md"]], [[".MD"]]])("can be only those ending with %j", async (only) => {
    const root = await folderOf({ "a.md": "a", "B.MD": "b", "c.txt": "c", md: "d", "e.md.bak": "e" });
    const { paths, leftOut } = await read(root, { only });
    expect(paths).toEqual(["B.MD", "a.md"]);
    expect(leftOut).toEqual({ extension: 3 });
  });
});

describe(".gitignore", () => {
  const kept = async (files: Record<string, string>) => (await open(await folderOf(files))).files;

  it("leaves out what it names, a folder counting once", async () => {
    const root = await folderOf({
      ".gitignore": "# rules\n\nbuild/\r\n*.log\n/top.md\n",
      "build/a.md": "a",
      "build/b.md": "b",
      "x.log": "x",
      "top.md": "t",
      "sub/top.md": "t",
      "sub/build/c.md": "c",
    });
    const { paths, leftOut } = await read(root);
    expect(paths).toEqual(["sub/top.md"]);
    expect(leftOut).toEqual({ dotfile: 1, ignored: 4 });
  });

  it("holds below its own folder only, and takes its paths from there", async () => {
    expect(
      await kept({
        "a/.gitignore": "/x.md\nsub/y.md\nz.md\n",
        "a/x.md": "",
        "a/deep/x.md": "",
        "a/sub/y.md": "",
        "a/deep/z.md": "",
        "x.md": "",
        "sub/y.md": "",
        "z.md": "",
      }),
    ).toEqual(["a/deep/x.md", "sub/y.md", "x.md", "z.md"]);
  });

  it("of a deeper folder wins, for files and for folders with all that is in them", async () => {
    expect(
      await kept({
        ".gitignore": "*.log\nlib/\n",
        "keep/.gitignore": "!important.log\n!lib/\n",
        "keep/important.log": "",
        "keep/other.log": "",
        "keep/lib/a.md": "",
        "lib/b.md": "",
      }),
    ).toEqual(["keep/important.log", "keep/lib/a.md"]);
  });

  it("cannot bring back what lies in an ignored folder", async () => {
    expect(
      await kept({ ".gitignore": "out/\n!out/a.md\n", "out/a.md": "", "out/.gitignore": "!a.md" }),
    ).toEqual([]);
  });

  it("above the root does not count, so that a root may itself be ignored", async () => {
    const root = await folderOf({
      ".gitignore": "node_modules/\n",
      "node_modules/p/README.md": "p",
      "node_modules/p/node_modules/q/README.md": "q",
      "node_modules/p/.gitignore": "ignored.md",
      "node_modules/p/ignored.md": "i",
    });
    const corpus = await open(join(root, "node_modules"));
    expect(corpus.files).toEqual(["p/README.md", "p/node_modules/q/README.md"]);
  });

  it("in a folder with characters of patterns in its name means that folder", async () => {
    expect(
      await kept({
        "[a]*/.gitignore": "/x.md\n",
        "[a]*/x.md": "",
        "[a]*/y.md": "",
        "a/x.md": "",
        "ab/x.md": "",
      }),
    ).toEqual(["[a]*/y.md", "a/x.md", "ab/x.md"]);
  });
});

describe("a share", () => {
  it("is disjoint from the others, and all shares together are the corpus, within one file of equal", async () => {
    const root = await folderOf(
      Object.fromEntries(Array.from({ length: 23 }, (_, n) => [`${n % 4}/${n}.md`, "x"])),
    );
    const all = (await open(root)).files;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (of) => {
        const shares = await Promise.all(
          Array.from({ length: of }, async (_, index) => (await open(root, { share: { index, of } })).files),
        );
        expect(shares.flat().sort()).toEqual(all);
        const sizes = shares.map((files) => files.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    { index: 2, of: 2 },
    { index: -1, of: 2 },
    { index: 0.5, of: 2 },
    { index: 0, of: 0 },
  ])("that cannot be is refused: %j", async (share) => {
    await expect(open(await folderOf(), { share })).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining(`share ${share.index} of ${share.of}`),
    });
  });
});

describe("the limits", () => {
  const five = () => folderOf({ "1.md": "1", "2.md": "22", "3.md": "333", "4.md": "4", "5.md": "5" });

  it("end the list after so many files and count what was seen beyond", async () => {
    const { paths, leftOut } = await read(await five(), { limits: { files: 2, bytes: 100 } });
    expect(paths).toEqual(["1.md", "2.md"]);
    expect(leftOut).toEqual({ overLimit: 3 });
  });

  it("hold for each share", async () => {
    const { paths, leftOut } = await read(await five(), {
      limits: { files: 1, bytes: 100 },
      share: { index: 1, of: 3 },
    });
    expect(paths).toEqual(["2.md"]);
    expect(leftOut).toEqual({ overLimit: 2 });
  });

  it("skip files that would go beyond so many bytes", async () => {
    const { paths, leftOut } = await read(await five(), { limits: { files: 10, bytes: 4 } });
    expect(paths).toEqual(["1.md", "2.md", "4.md"]);
    expect(leftOut).toEqual({ overLimit: 2 });
  });
});

describe("the root", () => {
  it("must be a folder that exists", async () => {
    const root = await folderOf({ "a.md": "a" });
    for (const wrong of [join(root, "none"), join(root, "a.md")]) {
      await expect(open(wrong)).rejects.toMatchObject({
        code: "bad_request",
        message: expect.stringContaining(wrong),
      });
    }
  });

  it("may be the home folder, or hold it, only if it is named explicitly", async () => {
    const home = await folderOf({ "me/a.md": "a", "me-too/b.md": "b" });
    const me = join(home, "me");
    const link = join(home, "link");
    await symlink(me, link);
    for (const root of [me, home, link, "/"]) {
      await expect(open(root, { home: me })).rejects.toMatchObject({
        code: "bad_request",
        action: expect.stringContaining("--root"),
      });
    }
    expect((await open(me, { home: me, explicitRoot: true })).files).toEqual(["a.md"]);
    expect((await open(join(home, "me-too"), { home: me })).files).toEqual(["b.md"]);
  });
});
