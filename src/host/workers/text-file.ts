import { type FileHandle, open } from "node:fs/promises";

/** A NUL in the first 8 KiB marks a binary file, as in Git. */
const LOOKED_AT = 8192;

export type TextRead = { text: string; bytes: number } | { leftOut: "binary" | "unreadable" | "overLimit" };

/** Reads a text file of at most `room` bytes; of a binary or larger one only the beginning. */
export async function readText(path: string, room: number): Promise<TextRead> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const start = await read(file, Math.min(size, LOOKED_AT));
      if (start.includes(0)) return { leftOut: "binary" };
      if (size > room) return { leftOut: "overLimit" };
      const whole = size > LOOKED_AT ? await read(file, size) : start;
      return { text: new TextDecoder().decode(whole), bytes: whole.length };
    } finally {
      await file.close();
    }
  } catch {
    return { leftOut: "unreadable" };
  }
}

async function read(file: FileHandle, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}
