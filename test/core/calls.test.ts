import { describe, expectTypeOf, it } from "vitest";
import type * as z from "zod";
import type * as calls from "../../src/core/calls.ts";
import type { stepSchema } from "../../src/core/plan.ts";
import type * as requests from "../../src/core/requests.ts";

/** The fields of an input, with JSON as what a program calls it. */
type Fields<T extends z.ZodType> = keyof z.input<T>;

describe("what a program hands in", () => {
  it("has the fields that the schemas have, no more and no fewer", () => {
    expectTypeOf<keyof calls.DelegateCall>().toEqualTypeOf<Fields<typeof requests.delegateInput>>();
    expectTypeOf<keyof calls.FanoutCall>().toEqualTypeOf<Fields<typeof requests.fanoutInput>>();
    expectTypeOf<keyof calls.AggregateCall>().toEqualTypeOf<Fields<typeof requests.aggregateInput>>();
    expectTypeOf<keyof calls.OrchestrateCall>().toEqualTypeOf<Fields<typeof requests.orchestrateInput>>();
    expectTypeOf<keyof calls.PlanStep>().toEqualTypeOf<Fields<typeof stepSchema>>();
    expectTypeOf<keyof calls.SessionsSpawnCall>().toEqualTypeOf<Fields<typeof requests.sessionsSpawnInput>>();
    expectTypeOf<keyof calls.SessionsSendCall>().toEqualTypeOf<Fields<typeof requests.sessionsSendInput>>();
    expectTypeOf<keyof calls.PageCall>().toEqualTypeOf<Fields<typeof requests.runsListInput>>();
    expectTypeOf<keyof calls.PageCall>().toEqualTypeOf<Fields<typeof requests.sessionsListInput>>();
    expectTypeOf<keyof calls.HealthCall>().toEqualTypeOf<Fields<typeof requests.healthInput>>();
    expectTypeOf<keyof calls.RunsGetCall>().toEqualTypeOf<Fields<typeof requests.runsGetInput>>();
    expectTypeOf<keyof calls.RunsEventsCall>().toEqualTypeOf<Fields<typeof requests.runsEventsInput>>();
    expectTypeOf<keyof calls.SessionsHistoryCall>().toEqualTypeOf<
      Fields<typeof requests.sessionsHistoryInput>
    >();
  });

  it("is what the schemas take", () => {
    // JSON is taken as anything, and checked when it comes.
    type Taken<T extends z.ZodType> = { [K in keyof z.input<T>]: unknown };
    expectTypeOf<Omit<calls.DelegateCall, "payload" | "instances">>().toExtend<
      Omit<z.input<typeof requests.delegateInput>, "payload" | "instances">
    >();
    expectTypeOf<Omit<calls.FanoutCall, "payload" | "payloads" | "targets">>().toExtend<
      Omit<z.input<typeof requests.fanoutInput>, "payload" | "payloads" | "targets">
    >();
    expectTypeOf<Omit<calls.SessionsSendCall, "data">>().toExtend<
      Omit<z.input<typeof requests.sessionsSendInput>, "data">
    >();
    expectTypeOf<calls.RunsAnswerCall>().toEqualTypeOf<z.input<typeof requests.runsAnswerInput>>();
    expectTypeOf<calls.KeepAnswerCall>().toExtend<z.input<typeof requests.keepAnswerInput>>();
    expectTypeOf<calls.RunsGetCall>().toExtend<z.input<typeof requests.runsGetInput>>();
    expectTypeOf<calls.AggregateCall>().toExtend<Taken<typeof requests.aggregateInput>>();
    expectTypeOf<calls.OrchestrateCall>().toExtend<Taken<typeof requests.orchestrateInput>>();
    type Plain<T> = Pick<T, keyof T & ("id" | "needs" | "concurrency" | "retries" | "timeout")>;
    expectTypeOf<Plain<calls.PlanStep>>().toExtend<Plain<z.input<typeof stepSchema>>>();
    type Times = "timeout" | "wait" | "resume" | "dryRun" | "fresh" | "idempotencyKey" | "budget";
    expectTypeOf<Pick<calls.OrchestrateCall, Times>>().toExtend<
      Pick<z.input<typeof requests.orchestrateInput>, Times>
    >();
  });
});
