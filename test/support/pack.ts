import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Packed {
  /** The tarball. */
  file: string;
  /** Bytes of it, and of what it unpacks to. */
  size: number;
  unpackedSize: number;
  files: string[];
}

/** Packs what is built, as `npm publish` would; needs no network. */
export async function pack(folder: string): Promise<Packed> {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await promisify(execFile)("npm", args);
  const [{ filename, size, unpackedSize, files }] = JSON.parse(stdout);
  const paths = (files as { path: string }[]).map(({ path }) => path);
  return { file: join(folder, filename), size, unpackedSize, files: paths };
}
