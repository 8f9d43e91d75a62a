import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** The licences of the packages that bundled files came from, as one text: most of them ask to be passed on. */
export async function licenceTexts(bundledFiles: string[]): Promise<string> {
  const folders = new Set(bundledFiles.flatMap((file) => file.match(PACKAGE_FOLDER) ?? []));
  const parts = await Promise.all([...folders].sort().map(licenceOf));
  return ["The files in this folder contain code of the following packages.\n", ...parts].join(
    `\n${"-".repeat(72)}\n`,
  );
}

async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const files = (await readdir(folder)).filter((file) => LICENCE_FILE.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return [`${name} ${version} (${license})\n`, ...texts].join("\n");
}
