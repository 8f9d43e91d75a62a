import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const FEW = 100;
const MANY = 1_000;
const BYTES = 1_000_000;
/** What stays flat needs no more for ten times as many, but for the noise of the garbage collector. */
const MOST_RATIO = 2.5;
/** It collects when it likes: the same measurement comes to 115 MiB one time and to 400 the next. */
const RUNS = 5;

interface Measured {
  /** Answers. */
  done: number;
  /** MiB that were resident at most, over what was resident before. */
  most: number;
  ms: number;
}

/** Whether a fan-out's memory stays flat where the strategy keeps no answer. */
export async function memoryStaysFlat(folder: string): Promise<boolean> {
  const [few, many] = [await measured(folder, FEW), await measured(folder, MANY)];
  const isFlat = many.most <= few.most * MOST_RATIO;
  const line = `fanout to ${MANY} with 1 MB each, numeric, brief: ${many.most} MiB over idle in ${many.ms} ms, to ${FEW}: ${few.most} MiB; flat (<= ${MOST_RATIO} times) ${isFlat ? "met" : "MISSED"}`;
  console.error(line);
  return isFlat && many.done === MANY;
}

/** The run in the middle. */
async function measured(folder: string, count: number): Promise<Measured> {
  const runs: Measured[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await measuredOnce(folder, count));
  return runs.sort((a, b) => a.most - b.most)[Math.floor(RUNS / 2)] as Measured;
}

async function measuredOnce(folder: string, count: number): Promise<Measured> {
  const args = ["--expose-gc", `${folder}/aggregate-memory.js`, String(count), String(BYTES)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit") as Promise<[number]>]);
  if (code !== 0) throw new Error(`the measurement of ${count} ended with ${code}`);
  return JSON.parse(said) as Measured;
}
