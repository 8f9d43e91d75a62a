/** One way to do a piece of work: resolves when `calls` of it are done. */
export type Subject = () => Promise<unknown>;

export interface Figures {
  name: string;
  /** What ours is held against. */
  against: string;
  /** Milliseconds a call: the medians and the 99th percentiles over all calls. */
  raw: Spread;
  ours: Spread;
  /** Milliseconds of this process's CPU a call, likewise. */
  rawCpu: number;
  oursCpu: number;
  /** Median of ours / raw, each taken within one round. */
  ratio: number;
  cpuRatio: number;
  goal?: number;
}

export interface Spread {
  p50: number;
  p99: number;
}

export interface CompareOptions {
  /** Calls a round. */
  calls: number;
  goal?: number | undefined;
  against?: string;
}

const ROUNDS = 21;

/**
 * Runs both in turn, round by round, so that a change of the machine's speed meets both; the first
 * rounds warm up and do not count.
 */
export async function compare(
  name: string,
  subjects: { raw: Subject; ours: Subject },
  { calls, goal, against = "raw undici" }: CompareOptions,
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
    against,
    raw: spread(rounds.flatMap(({ raw }) => raw.calls)),
    ours: spread(rounds.flatMap(({ ours }) => ours.calls)),
    rawCpu: per(({ raw }) => raw.cpu) / calls,
    oursCpu: per(({ ours }) => ours.cpu) / calls,
    ratio: per(({ raw, ours }) => ours.wall / raw.wall),
    cpuRatio: per(({ raw, ours }) => ours.cpu / raw.cpu),
    ...(goal !== undefined && { goal }),
  };
}

interface Sample {
  /** Milliseconds of each call. */
  calls: number[];
  wall: number;
  cpu: number;
}

async function sample(subject: Subject, calls: number): Promise<Sample> {
  const cpu = process.cpuUsage();
  const durations = new Array<number>(calls);
  const started = performance.now();
  let before = started;
  for (let call = 0; call < calls; call++) {
    await subject();
    const now = performance.now();
    durations[call] = now - before;
    before = now;
  }
  const wall = before - started;
  const { user, system } = process.cpuUsage(cpu);
  return { calls: durations, wall, cpu: (user + system) / 1000 };
}

function spread(values: number[]): Spread {
  const sorted = values.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

function median(values: number[]): number {
  return spread(values).p50;
}
