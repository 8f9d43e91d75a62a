import { describe, expect, it } from "vitest";
import { echoWorker, handWorker, startHost } from "../host/harness.ts";
import { call, clientsFor, facts, instanceAt } from "./harness.ts";

describe("the client of an instance host", () => {
  it("sends, asks, cancels, checks and converses as the host understands it", async () => {
    const host = await startHost({ worker: echoWorker(), keys: () => ["the-key"] });
    const clients = clientsFor({ env: { K: "the-key" } });
    const client = clients.of(instanceAt(host.origin, { credential: { from: "env", name: "K" } }));
    const { cancellation } = call();

    const probe = await client.check(2_000);
    expect(probe).toMatchObject({ state: "healthy", inFlight: 0, storeId: expect.any(String) });

    const sent = await client.send(call({ payload: { n: 1 }, waitMs: 5_000 }));
    expect(sent).toMatchObject({ delivery: "accepted", reply: "done", result: { n: 1 } });
    const { key } = call();
    expect(await client.ask({ key }, { waitMs: 0, cancellation })).toEqual(sent);
    expect(await client.ask({ key: "never" }, { waitMs: 0, cancellation })).toBe("unseen");

    expect(await client.cancel({ key: "never" })).toEqual({ known: false, storeId: probe.storeId });
    const buried = await client.send(call({ key: "never", waitMs: 1_000 }));
    expect(facts(buried)).toBe("accepted cancelled cancelled");

    const { remoteId } = await client.openSession({ sessionId: "s1", epoch: 0, cancellation });
    const said = await client.message(remoteId, 0, 1, call({ key: "m1", payload: "hi", waitMs: 5_000 }));
    expect(said).toMatchObject({ delivery: "accepted", reply: "done", result: "hi" });
    await client.closeSession(remoteId);
    const late = await client.message(remoteId, 0, 2, call({ key: "m2" }));
    expect(facts(late)).toBe("not_sent none session_not_found");
    await client.closeSession(remoteId);
  });

  it("is answered pending past the wait, and cancels what runs", async () => {
    const host = await startHost({ worker: handWorker() });
    const client = clientsFor().of(instanceAt(host.origin));
    const sent = await client.send(call());
    expect(facts(sent)).toBe("accepted pending");
    const told = await client.cancel({ key: call().key, ...("taskId" in sent && { taskId: sent.taskId! }) });
    expect(told.known === true && facts(told.answer)).toBe("accepted cancelled cancelled");
  });

  it("hears of a wrong key as instance_unauthorized", async () => {
    const host = await startHost({ worker: echoWorker(), keys: () => ["the-key"] });
    const clients = clientsFor({ env: { K: "another" } });
    const client = clients.of(instanceAt(host.origin, { credential: { from: "env", name: "K" } }));
    expect(facts(await client.send(call()))).toBe("not_sent none instance_unauthorized");
  });

  it("hears of a draining host as draining and not sent, and of a closed one as down", async () => {
    const host = await startHost({ worker: echoWorker() });
    const client = clientsFor().of(instanceAt(host.origin));
    await host.drain();
    const answer = await client.send(call());
    expect(facts(answer)).toBe("not_sent none draining");
    expect(answer).toMatchObject({ again: "later" });
    expect(await client.check(2_000)).toMatchObject({ state: "draining" });
    await host.close();
    const newcomer = clientsFor().of(instanceAt(host.origin));
    expect(facts(await newcomer.send(call()))).toBe("not_sent none instance_down");
  });
});
