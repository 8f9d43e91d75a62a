import { beforeEach, onTestFinished, vi } from "vitest";
import type { Instance } from "../../src/core/instance.ts";
import type { Answer, Call, Clock, InstanceClient, InstanceClients } from "../../src/core/ports.ts";
import type { InstanceClientsOptions } from "../../src/instances/clients.ts";
import { type A2aAgent, type AgentOptions, type Binding, startAgent } from "../support/a2a-agent.ts";
import type { Fault, FaultServer } from "../support/fault-server.ts";
import { hang, respond } from "../support/faults.ts";
import { call, clientsFor, instanceAt, realClock, startServer } from "./harness.ts";

/** What the SDK has to say to whoever runs it: as the server it speaks of each refusal. */
export const consoleError = vi.spyOn(console, "error");
beforeEach(() => {
  consoleError.mockReset().mockImplementation(() => {});
});

/** Time that passes ten times as fast for who waits between two questions. */
const hastyClock: Clock = {
  now: () => Date.now(),
  monotonic: () => 10 * performance.now(),
  after: (ms, callback) => realClock.after(ms / 10, callback),
};

/** An agent that ends with the test. */
export async function agentFor(options: AgentOptions = {}): Promise<A2aAgent> {
  const agent = await startAgent(options);
  onTestFinished(() => agent.close());
  return agent;
}

/** A client of it as instance A; `clients` are of one process. */
export function clientOf(
  url: string,
  { limits, env, ...facts }: Partial<Instance> & Pick<Partial<InstanceClientsOptions>, "limits" | "env"> = {},
  clients: InstanceClients = clientsFor({
    clock: hastyClock,
    ...(limits && { limits }),
    ...(env && { env }),
  }),
): InstanceClient {
  return clients.of(instanceAt(url, { protocol: "a2a", ...facts }));
}

/** Sends, and follows the task to its end as the engine does. */
export async function sent(
  client: InstanceClient,
  payload: Call["payload"],
  more: Partial<Call> = {},
): Promise<Answer> {
  return followed(client, await client.send(call({ payload, ...more })));
}

export async function followed(client: InstanceClient, first: Answer): Promise<Answer> {
  let answer = first;
  while (answer.reply === "pending" && answer.delivery === "accepted" && answer.taskId !== undefined) {
    const { cancellation } = call();
    const heard = await client.ask({ key: "k", taskId: answer.taskId }, { waitMs: 2_000, cancellation });
    if (heard === "unseen") throw new Error("the task is not known");
    answer = heard;
  }
  return answer;
}

/** A server of raw sockets that has a card, and answers all else with the faults that are played. */
export async function faultyAgent({
  binding = "JSONRPC",
  streaming = false,
  ...facts
}: { binding?: Binding; streaming?: boolean } & Parameters<typeof clientOf>[1] = {}): Promise<{
  server: FaultServer;
  client: InstanceClient;
  /** Every request but those for the card. */
  asked: () => FaultServer["requests"];
}> {
  const server = await startServer();
  const card = cardAt(server.url, { binding, streaming });
  const play = server.play;
  let faults: Fault[] = [];
  play((socket, request) => {
    const fault = isForCard(request)
      ? respond({ body: card })
      : faults.length > 1
        ? faults.shift()
        : faults[0];
    fault?.(socket, request);
  });
  server.play = (...next) => {
    faults = next;
  };
  const asked = () => server.requests.filter((request) => !isForCard(request));
  return { server, client: clientOf(server.url, facts), asked };
}

const isForCard = ({ path }: { path: string }) => path.endsWith("/agent-card.json");

/** What an agent writes that is written by hand. */
export function cardAt(
  url: string,
  { binding = "JSONRPC", streaming = false, ...more }: Record<string, unknown> = {},
) {
  return {
    name: "By hand",
    description: "",
    version: "1",
    supportedInterfaces: [{ url: `${url}/a2a/v1`, protocolBinding: binding, protocolVersion: "1.0" }],
    capabilities: { streaming },
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    skills: [],
    ...more,
  };
}

/** A JSON-RPC answer to whatever was asked. */
export function rpc(
  answer: { result: unknown } | { error: { code: number; message: string; data?: unknown } },
  more = {},
): Fault {
  return (socket, request) => {
    const { id } = JSON.parse(request.body) as { id: number };
    respond({ body: { jsonrpc: "2.0", id, ...answer }, ...more })(socket, request);
  };
}

export const task = (state: string, more = {}) => ({
  id: "t-1",
  contextId: "c-1",
  status: { state: `TASK_STATE_${state}` },
  ...more,
});

/** A 200 that begins to stream these, and then does something else. */
export function events(datas: unknown[], then: Fault = hang, type = "text/event-stream"): Fault {
  return (socket, request) => {
    const { id } = request.body.startsWith("{") ? (JSON.parse(request.body) as { id?: number }) : {};
    const all = datas.map((each) => {
      const body =
        typeof each === "string" ? each : JSON.stringify({ jsonrpc: "2.0", id, ...(each as object) });
      return `data: ${body}\n\n`;
    });
    const text = all.join("");
    const head = `HTTP/1.1 200 x\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunk = text === "" ? "" : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
    socket.write(head + chunk, () => then(socket, request));
  };
}

/** The end of what {@link events} began. */
export const ended: Fault = (socket) => socket.write("0\r\n\r\n");
