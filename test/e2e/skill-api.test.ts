import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { httpClient } from "../support/http.ts";
import { freshEnv, start, tempFolder } from "../support/program.ts";

// The API calls of the public skill's text, with the bodies that it writes, against `orchestrator up`.

const KEY = "your_key_here";

const CALLS = [
  ['POST /api/orchestrator/route: Body: {"instances": ["A", "B"], "payload": {"data": "task"}}', 200],
  ['POST /api/orchestrator/fanout: Body: {"targets": ["A", "C"], "aggregate": true}', 200],
  ['POST /api/orchestrator/sessions/spawn: Body: {"sessionId": "session1"}', 201],
  ["GET /api/orchestrator/health: Query: ?instances=A-H", 200],
  ['POST /api/cluster/register: Body: {"skillId": "orchestrator"}', 200],
] as const;

describe("the public skill's calls", () => {
  it("are answered as it says", async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, "notes.md"), "# A task\n\nData for the task.\n");
    const env = await freshEnv({ ORCHESTRATOR_API_KEY: KEY });
    const up = await start(["up", "--port", "0"], env, folder);
    const client = httpClient();
    onTestFinished(() => client.close());
    const call = async (text: string, key = KEY) => {
      const [, method = "", path = "", body, query = ""] =
        /^(\w+) (\S+): (?:Body: (.*)|Query: (.*))$/.exec(text) ?? [];
      return client.call(method as "GET", `${up.ready.cluster}${path}${query}`, {
        ...(body !== undefined && { body }),
        headers: { authorization: `Bearer ${key}` },
      });
    };
    const answers = new Map<string, unknown>();
    for (const [text, status] of CALLS) {
      const answer = await call(text);
      expect([text, answer.status]).toEqual([text, status]);
      answers.set(text, answer.body);
      expect((await call(text, "another")).status).toBe(401);
    }
    const [route, fanout, spawn, health, register] = CALLS.map(([text]) => answers.get(text));
    expect(route).toMatchObject({ instance: "A", reply: "done" });
    expect(fanout).toMatchObject([
      { instance: "A", reply: "done" },
      { instance: "C", reply: "done" },
    ]);
    expect(spawn).toMatchObject({ sessionId: "session1", token: expect.any(String) });
    expect(health).toEqual(Object.fromEntries([..."ABCDEFGH"].map((name) => [name, "healthy"])));
    expect(register).toMatchObject({ leaseId: expect.any(String), ttlSeconds: 30 });
  });
});
