import { createHash, randomUUID } from "node:crypto";
import type { Part, SendMessageRequest } from "@a2a-js/sdk";
import { OrchestratorError } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import type { Answer, Call, Clock, NotSent } from "../core/ports.ts";
import { answerOf, type Thread } from "./a2a-answers.ts";
import type { Agent } from "./a2a-card.ts";
import { type A2aError, type Failed, failedAnswer, METHOD_NOT_FOUND, ownErrorOf } from "./a2a-errors.ts";
import { partOf } from "./a2a-parts.ts";
import type { A2aRequests } from "./a2a-requests.ts";
import { TaskStream } from "./a2a-stream.ts";

const IDLE_MS = 3 * 60_000;

export interface Sending {
  requests: A2aRequests;
  instance: Instance;
  clock: Clock;
}

/** How a message is sent. */
interface Way {
  streamed: boolean;
  thread: Thread;
}

/**
 * Sends one message, once: another way is taken only after the agent has refused one without beginning anything.
 * What is streamed is followed to its end; else the agent is asked to answer at once with the task, so that its id
 * is known while it works.
 */
export async function deliver(sending: Sending, call: Call, thread: Thread): Promise<Answer> {
  const { requests, instance, clock } = sending;
  const found = await requests.agent(call.cancellation);
  if (!("agent" in found)) return found.refusal;
  const { agent } = found;
  let part: Part;
  try {
    part = partOf(call.payload, instance, agent.takesJson);
  } catch (thrown) {
    return unsent(OrchestratorError.from(thrown));
  }
  for (let way: Way = { streamed: requests.cards.streaming, thread }; ; ) {
    const told = await sendOnce(sending, agent, call, messageOf(call, part, way.thread), way.streamed);
    if ("delivery" in told) return told;
    const answer = failedAnswer(told, instance.name, clock.now());
    const next = answer.delivery === "not_sent" ? nextWay(way, ownErrorOf(told)) : undefined;
    if (!next) return answer;
    // It says that it streams, and does not.
    if (way.streamed && !next.streamed) requests.cards.streamsNot();
    way = next;
  }
}

/**
 * A task that waited for an answer may have ended meanwhile, by itself or by being forgotten: the message then
 * begins another one in the same context.
 */
function nextWay({ streamed, thread }: Way, own: A2aError | undefined): Way | undefined {
  const unsupported = own?.reason === "UNSUPPORTED_OPERATION" || own?.code === METHOD_NOT_FOUND;
  if (thread.taskId !== "" && (unsupported || own?.reason === "TASK_NOT_FOUND"))
    return { streamed, thread: { ...thread, taskId: "" } };
  return streamed && unsupported ? { streamed: false, thread } : undefined;
}

async function sendOnce(
  { requests, instance, clock }: Sending,
  agent: Agent,
  call: Call,
  message: SendMessageRequest,
  streamed: boolean,
): Promise<Answer | Failed> {
  const { name, settings } = instance;
  const idleMs = settings?.idleTimeoutMs ?? IDLE_MS;
  const limits = { headersTimeoutMs: idleMs, idleMs, cancellation: call.cancellation };
  const options = { serviceParameters: { "orchestrator-hops": String(call.hops) } };
  const stream = new TaskStream(call);
  const told = await requests.work(agent, limits, async (client, wire) => {
    if (!streamed) return client.sendMessage(message, options);
    for await (const event of client.sendMessageStream(message, options)) {
      const end = stream.take(event);
      if (end) return end;
    }
    if (stream.task && wire.isWhole) return stream.task;
    throw new Error("The stream ended before its time.");
  });
  if ("value" in told) return answerOf(told.value, name);
  if (!stream.task) return told;
  // The handle is there, so the rest can be asked for.
  const { error } = failedAnswer(told, name, clock.now());
  return {
    ...answerOf(stream.task, name),
    reply: "pending",
    ...(error && { error: error.with({ delivery: "accepted" }) }),
  };
}

/** Every message has an id of its own, also one that is sent again after a refusal: some agents never run a second of one id. */
function messageOf({ key }: Call, part: Part, { contextId, taskId }: Thread): SendMessageRequest {
  const task = createHash("sha256").update(key).digest("base64url").slice(0, 22);
  return {
    tenant: "",
    message: {
      messageId: `${task}-${randomUUID()}`,
      contextId,
      taskId,
      role: USER,
      parts: [part],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: {
      acceptedOutputModes: [],
      taskPushNotificationConfig: undefined,
      returnImmediately: true,
      historyLength: 1,
    },
    metadata: undefined,
  };
}

/** `ROLE_USER` of the protocol. */
const USER = 1 satisfies NonNullable<SendMessageRequest["message"]>["role"];

/** Nothing was sent, and would not be another time. */
function unsent(error: OrchestratorError): NotSent {
  return { delivery: "not_sent", reply: "none", again: "never", error };
}
