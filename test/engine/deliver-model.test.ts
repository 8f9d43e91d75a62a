import fc from "fast-check";
import { expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { strongerDelivery } from "../../src/core/delivery.ts";
import { OrchestratorError } from "../../src/core/errors.ts";
import type { Answer, Call, CancelAnswer, InstanceClient, InstanceClients } from "../../src/core/ports.ts";
import { Breakers } from "../../src/engine/breakers.ts";
import { deliver } from "../../src/engine/deliver.ts";
import { HealthHistory } from "../../src/engine/health-history.ts";
import { HealthMonitor } from "../../src/engine/health-monitor.ts";
import { RunJournal } from "../../src/engine/run-journal.ts";
import { RetryBudget } from "../../src/policy/budget.ts";
import { Slots } from "../../src/policy/slots.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { fakeClock } from "../support/clock.ts";
import { recordingLogger } from "../support/logger.ts";
import { instance, testIds } from "./harness.ts";

const STORE_ID = "journal";
const error = new OrchestratorError("instance_error", "scripted");

const later: Answer = { delivery: "not_sent", reply: "none", again: "later", error };
const never: Answer = { delivery: "not_sent", reply: "none", again: "never", error };
const unknown: Answer = { delivery: "unknown", reply: "none", error };
const failed: Answer = { delivery: "accepted", reply: "failed", error };
const cancelled: Answer = { delivery: "accepted", reply: "cancelled", error };
const pending: Answer = { delivery: "accepted", reply: "pending", taskId: "t" };
const done: Answer = { delivery: "accepted", reply: "done", result: 1 };

const sends = fc.constantFrom<Answer>(
  later,
  { ...later, retryAfterMs: 300 },
  never,
  unknown,
  failed,
  cancelled,
  pending,
  done,
);
const asks = fc.constantFrom<Answer | "unseen">("unseen", later, unknown, pending, failed, done);
const cancels = fc.constantFrom<CancelAnswer>(
  { known: false, storeId: STORE_ID },
  { known: false, storeId: "another journal" },
  { known: "unknown", error },
  { known: true, answer: done },
  { known: true, answer: cancelled },
);
/** What one instance does: its answers in turn, and its last one for ever. */
const script = fc.record({
  sends: fc.array(sends, { minLength: 1, maxLength: 5 }),
  asks: fc.array(asks, { minLength: 1, maxLength: 4 }),
  cancels: fc.array(cancels, { minLength: 1, maxLength: 3 }),
  /** Whether its journal was seen before. */
  seen: fc.boolean(),
});

type Event = {
  at: string;
  did: "send" | "ask" | "cancel";
  key: string;
  said: Answer | CancelAnswer | "unseen";
};

function played<T>(answers: readonly T[]): () => T {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)] as T;
}

it("whatever the instances answer, work is never sent again where it may be running", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(script, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
      async (scripts, retries, idempotent) => {
        const clock = fakeClock();
        const logger = recordingLogger();
        const events: Event[] = [];
        const instances = scripts.map((_, index) => instance(String.fromCharCode(65 + index)));
        const fakes = new Map<string, InstanceClient>();
        for (const [index, { sends, asks, cancels }] of scripts.entries()) {
          const at = instances[index]?.name ?? "";
          const [send, ask, cancel] = [played(sends), played(asks), played(cancels)];
          const heard = <T extends Event["said"]>(did: Event["did"], key: string, said: T): T => {
            events.push({ at, did, key, said });
            return said;
          };
          fakes.set(at, {
            capabilities: {
              ...{ idempotency: true, cancel: true, async: true },
              ...{ sessions: false, history: false, streaming: false },
            },
            send: async ({ key }: Call) => heard("send", key, send()),
            ask: async ({ key }) => heard("ask", key, ask()),
            cancel: async ({ key }) => heard("cancel", key, cancel()),
            check: async () => ({ state: "healthy", reason: "ok", latencyMs: 1, storeId: STORE_ID }),
          } as Partial<InstanceClient> as InstanceClient);
        }
        const clients: InstanceClients = {
          of: ({ name }) => fakes.get(name) as InstanceClient,
          close: async () => {},
        };
        const store = createMemoryStore({ clock });
        const breakers = new Breakers({ clock, logger, store, self: "me", check: async () => {} });
        const health = new HealthMonitor({
          clock,
          logger,
          clients,
          random: () => 0.5,
          known: async () => instances,
          intervalMs: () => 60_000,
          breakers,
          history: new HealthHistory({ clock, logger, store }),
        });
        await health.check(instances.filter((_, index) => scripts[index]?.seen));
        const cancellation = new Cancellation();
        const journal = new RunJournal({
          store,
          clock,
          ids: testIds,
          owner: "me",
          keepMs: () => 1,
        });
        const open = journal.open(
          {
            runId: journal.newId(),
            operation: "delegate",
            deadlineAt: clock.now() + 60_000,
            createdBy: "model",
            explanation: { order: [], excluded: [] },
            outcomes: [],
          },
          cancellation,
        );
        clock.after(60_000, () => cancellation.cancel(new OrchestratorError("timeout", "Over.")));

        let over = false;
        const work = {
          hops: 0,
          payloadFor: () => 1,
          send: (client: InstanceClient, call: Call) => client.send(call),
        };
        const budget = new RetryBudget(() => clock.monotonic());
        const deps = { clock, clients, health, breakers, budget, slots: new Slots(), random: () => 0.5 };
        const delivered = deliver(deps, open, instances, work, { retries, idempotent }).finally(() => {
          over = true;
        });
        for (let turns = 0; !over && turns < 400; turns++) await clock.advance(1_000);
        await delivered;

        check(events, scripts, { retries, idempotent });
        for (const outcome of open.run.outcomes) {
          expect(outcome.reply).not.toBe("pending");
          expect(outcome.endedAt).toBeDefined();
          const attempts = open.run.attempts.filter(({ instance }) => instance === outcome.instance);
          expect(outcome.delivery).toBe(
            attempts.map(({ delivery }) => delivery).reduce(strongerDelivery, "not_sent"),
          );
        }
        const winners = open.run.outcomes.filter(({ reply }) => reply === "done");
        expect(winners.length).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);

/** The promises, from what the instances saw alone. */
function check(
  events: readonly Event[],
  scripts: readonly { seen: boolean }[],
  { retries, idempotent }: { retries: number; idempotent: boolean },
): void {
  /** By key: whether the work may be, or have been, at work there. */
  const mayRun = new Map<string, boolean>();
  const posts = new Map<string, number>();
  for (const { at, did, key, said } of events) {
    if (did === "send") {
      posts.set(at, (posts.get(at) ?? 0) + 1);
      const elsewhere = [...mayRun].filter(([, may]) => may).map(([other]) => other);
      if (idempotent) expect(elsewhere).not.toContain(key);
      else expect(elsewhere).toEqual([]);
      const answer = said as Answer;
      mayRun.set(key, answer.delivery !== "not_sent");
    }
    const proof = did === "cancel" && typeof said === "object" && "known" in said && said.known === false;
    const seen = scripts[at.charCodeAt(0) - 65]?.seen;
    if (proof && seen && said.storeId === STORE_ID) mayRun.set(key, false);
  }
  for (const count of posts.values()) expect(count).toBeLessThanOrEqual(1 + retries);
}
