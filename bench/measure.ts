/** One way to do a piece of work: resolves when `calls` of it are done. */
export type Subject = () => Promise<unknown>;

export interface Figures {
  name: string;
  /** Milliseconds a call: the median over the rounds, raw and ours. */
  raw: number;
  ours: number;
  /** Milliseconds of this process's CPU a call, likewise. */
  rawCpu: number;
  oursCpu: number;
  /** Median of ours / raw, each taken within one round. */
  ratio: number;
  cpuRatio: number;
  goal?: number;
}

const ROUNDS = 21;

/**
 * Runs both in turn, round by round, so that a change of the machine's speed meets both; the first
 * rounds warm up and do not count.
 */
export async function compare(
  name: string,
  subjects: { raw: Subject; ours: Subject },
  { calls, goal }: { calls: number; goal?: number | undefined },
): Promise<Figures> {
  const rounds: { raw: Sample; ours: Sample }[] = [];
  for (let round = -4; round < ROUNDS; round++) {
    // Neither always runs in the other's wake.
    const first = round % 2 === 0 ? "raw" : "ours";
    const second = first === "raw" ? "ours" : "raw";
    const samples = {
      [first]: await sample(subjects[first], calls),
      [second]: await sample(subjects[second], calls),
    };
    if (round >= 0) rounds.push(samples as { raw: Sample; ours: Sample });
  }
  const per = (pick: (round: { raw: Sample; ours: Sample }) => number) => median(rounds.map(pick));
  return {
    name,
    raw: per(({ raw }) => raw.wall) / calls,
    ours: per(({ ours }) => ours.wall) / calls,
    rawCpu: per(({ raw }) => raw.cpu) / calls,
    oursCpu: per(({ ours }) => ours.cpu) / calls,
    ratio: per(({ raw, ours }) => ours.wall / raw.wall),
    cpuRatio: per(({ raw, ours }) => ours.cpu / raw.cpu),
    ...(goal !== undefined && { goal }),
  };
}

interface Sample {
  wall: number;
  cpu: number;
}

async function sample(subject: Subject, calls: number): Promise<Sample> {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let call = 0; call < calls; call++) await subject();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / 1000 };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
