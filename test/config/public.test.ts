import { describe, expectTypeOf, it } from "vitest";
import type * as z from "zod";
import type { InstanceConfig, OrchestratorConfig } from "../../src/config/public.ts";
import type { configSchema } from "../../src/config/schema.ts";
import type { instanceConfig } from "../../src/core/instance.ts";

type Written = z.input<typeof configSchema>;

describe("a configuration as a program has it", () => {
  it("has the fields that a file has, and is taken by the schema", () => {
    expectTypeOf<keyof OrchestratorConfig>().toEqualTypeOf<keyof Written>();
    expectTypeOf<keyof InstanceConfig>().toEqualTypeOf<keyof z.input<typeof instanceConfig>>();
    expectTypeOf<keyof NonNullable<OrchestratorConfig["serve"]>>().toEqualTypeOf<
      keyof NonNullable<Written["serve"]>
    >();
    expectTypeOf<keyof NonNullable<OrchestratorConfig["retention"]>>().toEqualTypeOf<
      keyof NonNullable<Written["retention"]>
    >();
  });
});
