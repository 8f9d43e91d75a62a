import { describe, expect, it } from "vitest";
import { Cancellation } from "../../src/core/cancellation.ts";
import { OrchestratorError } from "../../src/core/errors.ts";

describe("a cancellation", () => {
  it("tells every listener once, with the error", () => {
    const cancellation = new Cancellation();
    const told: [string, OrchestratorError][] = [];
    cancellation.onCancel((error) => told.push(["first", error]));
    cancellation.onCancel((error) => told.push(["second", error]));
    const error = new OrchestratorError("timeout", "The deadline has passed.");
    cancellation.cancel(error);
    cancellation.cancel(new OrchestratorError("cancelled", "Later."));
    expect(told).toEqual([
      ["first", error],
      ["second", error],
    ]);
    expect(cancellation.error).toBe(error);
  });

  it("is the caller's unless told otherwise", () => {
    const cancellation = new Cancellation();
    cancellation.cancel();
    expect(cancellation.error?.code).toBe("cancelled");
  });

  it("tells a listener at once that comes afterwards", () => {
    const cancellation = new Cancellation();
    cancellation.cancel();
    let told: OrchestratorError | undefined;
    const takeBack = cancellation.onCancel((error) => {
      told = error;
    });
    expect(told).toBe(cancellation.error);
    expect(takeBack).not.toThrow();
  });

  it("does not tell a listener that was taken back, even by another one while it tells them", () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    const takeBack = cancellation.onCancel(() => told.push("taken back"));
    takeBack();
    cancellation.onCancel(() => {
      told.push("first");
      takeBackLater();
    });
    const takeBackLater = cancellation.onCancel(() => told.push("taken back by the first"));
    cancellation.onCancel(() => told.push("last"));
    cancellation.cancel();
    expect(told).toEqual(["first", "last"]);
  });

  it("has its error already while it tells its listeners", () => {
    const cancellation = new Cancellation();
    let inner: unknown;
    cancellation.onCancel(() => {
      cancellation.onCancel((error) => {
        inner = error;
      });
    });
    cancellation.cancel();
    expect(inner).toBe(cancellation.error);
  });

  it("throws its error where work asks, and only once it is cancelled", () => {
    const cancellation = new Cancellation();
    cancellation.throwIfCancelled();
    const error = new OrchestratorError("timeout", "The deadline has passed.");
    cancellation.cancel(error);
    expect(() => cancellation.throwIfCancelled()).toThrow(error);
  });
});
