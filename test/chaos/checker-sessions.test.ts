import { describe, expect, it } from "vitest";
import type { Session, SessionMove } from "../../src/core/session.ts";
import type { PlannedCall } from "./calls.ts";
import type { StoredMessage } from "./evidence.ts";
import type { Execution } from "./ledger.ts";
import { call, evidence, execution, rules } from "./sample-evidence.ts";

const move: SessionMove = {
  at: 1_000,
  afterSeq: 1,
  from: { instance: "A", origin: "http://a.test", remoteId: "r1" },
  to: "B",
  epoch: 2,
  reason: "down",
  history: { given: 0, unanswered: 0, tooOld: 0 },
};
/** It moved from A to B after its first message. */
const session: Session = {
  sessionId: "s",
  uid: "u",
  tokenHash: "h",
  instance: "B",
  origin: "http://b.test",
  remoteId: "r2",
  epoch: 2,
  createdAt: 500,
  createdBy: "spawn",
  seq: 2,
  onInstanceDown: "migrate",
  moves: [move],
};
const before: StoredMessage = {
  uid: "u",
  seq: 1,
  runId: "run-1",
  instance: "A",
  epoch: 1,
  at: 900,
  data: { callId: "call-1" },
  delivery: "accepted",
  reply: "done",
  result: { callId: "call-1", instance: "A", execution: "e1" },
};
const after: StoredMessage = {
  ...before,
  seq: 2,
  runId: "run-2",
  instance: "B",
  epoch: 2,
  data: { callId: "call-2" },
};
const sent: PlannedCall = { ...call, operation: "send" };

function found(given: { session?: Session; messages?: StoredMessage[]; executions?: Execution[] }) {
  const { session: stored = session, messages = [before, after], executions = [execution] } = given;
  return rules(evidence({ calls: new Map([["call-1", sent]]), sessions: [stored], messages, executions }));
}

describe("the checker of sessions", () => {
  it("has nothing against a session that moved between two messages", () => {
    expect(found({})).toEqual([]);
  });

  it("finds a message that two owners executed", () => {
    const again = { ...execution, execution: "e2", instance: "B", key: "run-1/main/0/B/0" };
    expect(found({ executions: [execution, again] })).toContain("twice");
  });

  it("finds a message that was executed and is not in the transcript", () => {
    expect(found({ messages: [after] })).toEqual(["lost"]);
  });

  it("finds a message that is in the transcript twice", () => {
    expect(found({ messages: [before, { ...after, data: before.data }] })).toEqual(["lost"]);
  });

  const moved = (change: Partial<SessionMove>) => ({
    session: { ...session, moves: [{ ...move, ...change }] },
  });
  const { moves: _, ...unmoved } = session;
  const untrue: [string, Parameters<typeof found>[0]][] = [
    ["a message with another reply than its own", { messages: [{ ...before, result: { execution: "e2" } }] }],
    [
      "a message that another than the one in the transcript executed",
      { messages: [{ ...before, instance: "B", epoch: 2 }] },
    ],
    ["a message of an owner that was left behind", { messages: [before, { ...after, instance: "A" }] }],
    ["a message of an earlier epoch after one of a later", { messages: [{ ...after, seq: 0 }, before] }],
    ["a move that is not its owner's", moved({ from: { ...move.from, instance: "C" } })],
    ["a move to another than its owner", moved({ to: "C" })],
    ["an epoch that was left out", moved({ epoch: 3 })],
    ["an owner that changed without a move", { session: unmoved }],
    ["a move that was not allowed", { session: { ...session, onInstanceDown: "fail" } }],
  ];
  it.each(untrue)("finds %s", (_, given) => {
    expect(found(given)).toEqual(["untrue"]);
  });
});
