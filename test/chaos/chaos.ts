import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { campaign, type Progress } from "./campaign.ts";
import { FAULTS } from "./fault-plan.ts";
import { print } from "./print.ts";
import { bundleScripts } from "./scripts.ts";

// `npm run chaos`: until there were 3,000 calls, 100 SIGKILLs and every fault 20 times, which must come
// to pass within five minutes. `-- --minutes 30`: so long, whatever happens. `CHAOS_SEED=…` replays.

const LIMIT_MINUTES = 4;
const CALLS = 3_000;
const KILLS = 100;
const TIMES = 20;

const { values } = parseArgs({ options: { minutes: { type: "string" } } });
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));
process.stdout.write(`CHAOS_SEED=${seed}\n`);

function missing({ calls, faults }: Progress): string[] {
  const kills = (faults.get("SIGKILL of an instance") ?? 0) + (faults.get("SIGKILL of an orchestrator") ?? 0);
  return [
    ...(calls < CALLS ? [`${calls} of ${CALLS} calls`] : []),
    ...(kills < KILLS ? [`${kills} of ${KILLS} SIGKILLs`] : []),
    ...FAULTS.flatMap((name) => {
      const count = faults.get(name) ?? 0;
      return count < TIMES ? [`"${name}" ${count} times of ${TIMES}`] : [];
    }),
  ];
}

const scripts = await bundleScripts();
try {
  const report = await campaign({
    seed,
    scripts,
    goOn: (progress) =>
      progress.elapsedMs < (minutes ?? LIMIT_MINUTES) * 60_000 &&
      (minutes !== undefined || missing(progress).length > 0),
  });
  print(report);
  const short = minutes === undefined ? missing(report) : [];
  for (const text of short) process.stdout.write(`too few: ${text}\n`);
  if (report.violations.length + short.length > 0) {
    process.stdout.write(`FAILED; replay with CHAOS_SEED=${seed} npm run chaos\n`);
    process.exitCode = 1;
  }
} finally {
  await scripts.remove();
}
// Node 20 may spin for ever in its own cleanup when it ends by itself.
process.exit();
