import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../../core/ports.ts";
import { endProcessGroup } from "./process-group.ts";

/** The variable by which a process is known as one of ours after the leader of its group has gone. */
export const GROUP_MARK = "ORCHESTRATOR_PROCESS_GROUP";

export interface GroupRecordsFacts {
  /** Where the records are kept; it belongs to one process at a time. */
  folder: string;
  /** Tells a process from every other that had or will have its pid; `undefined` when there is none. */
  identify: (pid: number) => string | undefined;
  logger: Logger;
}

/** Remembers the process groups of running commands, so that they are ended also if this process is killed. */
export interface GroupRecords {
  /** What marks a process as one of this instance's run. */
  readonly mark: string;
  /** Records a group by its leader, as soon as that was spawned. Returns what forgets it. */
  keep(leader: number): () => void;
}

interface GroupRecord {
  leader: number;
  identity: string;
  mark: string;
}

/**
 * Ends what an earlier process left running, then keeps records for this one. Written at once and not later:
 * between the spawn and the record there must be no turn in which this process could be killed.
 */
export async function openGroupRecords({
  folder,
  identify,
  logger,
}: GroupRecordsFacts): Promise<GroupRecords> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const left = readdirSync(folder).map((name) => join(folder, name));
  await Promise.all(
    left.map(async (file) => {
      const record = read(file);
      if (record && isOrphan(record, identify)) {
        logger.warn({ pid: record.leader }, "ending the processes of a task that was interrupted");
        await endProcessGroup(record.leader);
      }
      rmSync(file, { force: true });
    }),
  );
  const mark = randomUUID();
  return {
    mark,
    keep(leader) {
      const identity = identify(leader);
      // It has ended already, or this system tells nothing about processes: then nothing is killed on a guess.
      if (identity === undefined) return () => {};
      const file = join(folder, String(leader));
      try {
        writeFileSync(file, JSON.stringify({ leader, identity, mark }), { mode: 0o600 });
      } catch (error) {
        logger.warn({ err: error, file }, "a running command could not be recorded");
      }
      return () => rmSync(file, { force: true });
    },
  };
}

function isOrphan({ leader, identity, mark }: GroupRecord, identify: GroupRecordsFacts["identify"]): boolean {
  const now = identify(leader);
  // While anyone is left in a group its number is given to no new process.
  return now === identity || (now === undefined && hasMember(leader, mark));
}

/** Whether a group whose leader has gone still has a process that was started with the mark. */
function hasMember(group: number, mark: string): boolean {
  return entries("/proc").some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    const stat = text(`/proc/${pid}/stat`);
    // proc(5): after the name, which may hold anything, come the state, the parent and the group.
    return (
      stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2] === String(group) &&
      text(`/proc/${pid}/environ`).split("\0").includes(`${GROUP_MARK}=${mark}`)
    );
  });
}

function read(file: string): GroupRecord | undefined {
  try {
    return JSON.parse(text(file)) as GroupRecord;
  } catch {
    // The process was killed while it wrote.
    return undefined;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
