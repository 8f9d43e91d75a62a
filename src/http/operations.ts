import { asks } from "../core/aggregation/strategy.ts";
import type {
  DelegateAnswer,
  DryRunAnswer,
  FanoutAnswer,
  InstanceHealth,
  SendAnswer,
} from "../core/answers.ts";
import { collectedEntries } from "../core/collected.ts";
import * as requests from "../core/requests.ts";
import * as answers from "./answer-schemas.ts";
import { type Answered, type Operation, operation } from "./operation.ts";

export const OPERATIONS: readonly Operation[] = [
  operation({
    name: "route",
    method: "POST",
    path: "route",
    aliases: ["delegate"],
    targetField: "instances",
    summary: "Does a task once, by the first of the candidates that can.",
    scope: "send",
    input: requests.delegateInput,
    answer: answers.delegate,
    call: async (engine, input, context) => replied(await engine.delegate(input, context)),
  }),
  operation({
    name: "fanout",
    method: "POST",
    path: "fanout",
    targetField: "targets",
    summary: "Sends a task to every target and accounts for each; `aggregate: true` answers a list.",
    scope: "send",
    input: requests.fanoutInput,
    answer: answers.fanout,
    async call(engine, input, context) {
      const answer = await engine.fanout(input, context);
      if ("dryRun" in answer) return { status: 200, body: answer };
      return {
        ...fannedOut(answer),
        body: input.aggregate === true ? collectedEntries(answer.outcomes) : answer,
      };
    },
  }),
  operation({
    name: "aggregate",
    method: "POST",
    path: "aggregate",
    summary:
      "Makes one answer of stored runs' replies, or of replies handed in. Only `reduce` and `judge` send anything, and need the scope `send`.",
    scope: "read",
    alsoNeeds: ({ strategy }) => (asks(strategy) ? "send" : undefined),
    input: requests.aggregateInput,
    answer: answers.aggregate,
    async call(engine, input, context) {
      const body = await engine.aggregate(input, context);
      return body.pending
        ? { status: 202, body, runId: body.by?.runId }
        : { status: 200, body, runId: body.runId };
    },
  }),
  operation({
    name: "orchestrate",
    method: "POST",
    path: "orchestrate",
    summary: "Works through a plan, or goes on with one that failed.",
    scope: "send",
    input: requests.orchestrateInput,
    answer: answers.orchestrate,
    async call(engine, input, context) {
      const body = await engine.orchestrate(input, context);
      if ("dryRun" in body) return { status: 200, body };
      return { status: body.reply === "pending" ? 202 : 200, body, runId: body.runId };
    },
  }),
  operation({
    name: "sessions_spawn",
    method: "POST",
    path: "sessions/spawn",
    summary: "Opens a session at one instance; its token opens this one session.",
    scope: "send",
    input: requests.sessionsSpawnInput.omit({ withToken: true }),
    answer: answers.spawn,
    async call(engine, input, context) {
      const body = await engine.sessionsSpawn({ ...input, withToken: true }, context);
      return { status: 201, body, instance: body.instance };
    },
  }),
  operation({
    name: "sessions_send",
    method: "POST",
    path: "sessions/send",
    summary: "Sends one message to a session's owner, in strict order with all other sends.",
    scope: "send",
    sessionToken: true,
    input: requests.sessionsSendInput,
    answer: answers.send,
    call: async (engine, input, context) => replied(await engine.sessionsSend(input, context)),
  }),
  operation({
    name: "sessions_list",
    method: "GET",
    path: "sessions",
    summary: "Lists the stored sessions, open and closed.",
    scope: "read",
    input: requests.sessionsListInput,
    answer: answers.page(answers.session),
    call: async (engine, input, context) => ({
      status: 200,
      body: await engine.sessionsList(input, context),
    }),
  }),
  operation({
    name: "sessions_history",
    method: "GET",
    path: "sessions/:id",
    idField: "sessionId",
    summary: "Returns a session's transcript, also of a closed one.",
    scope: "read",
    sessionToken: true,
    input: requests.sessionsHistoryInput,
    answer: answers.history,
    call: async (engine, input, context) => ({
      status: 200,
      body: await engine.sessionsHistory(input, context),
    }),
  }),
  operation({
    name: "sessions_close",
    method: "DELETE",
    path: "sessions/:id",
    idField: "sessionId",
    summary: "Closes a session; its transcript stays readable.",
    scope: "send",
    sessionToken: true,
    input: requests.sessionsCloseInput,
    answer: answers.session,
    call: async (engine, input, context) => ({
      status: 200,
      body: await engine.sessionsClose(input, context),
    }),
  }),
  operation({
    name: "health",
    method: "GET",
    path: "health",
    targetField: "instances",
    summary: "Checks instances now: the state of each by its name, with `detail=true` all that is known.",
    scope: "read",
    input: requests.healthInput,
    answer: answers.health,
    async call(engine, input) {
      return { status: 200, body: byName(await engine.health(input), input.detail) };
    },
  }),
  operation({
    name: "runs_list",
    method: "GET",
    path: "runs",
    summary: "Lists the stored runs, the newest first.",
    scope: "read",
    input: requests.runsListInput,
    answer: answers.page(answers.run),
    call: async (engine, input, context) => ({ status: 200, body: await engine.runsList(input, context) }),
  }),
  operation({
    name: "runs_get",
    method: "GET",
    path: "runs/:id",
    idField: "runId",
    summary:
      "Returns a run's state and outcomes, after `wait`; with `instance` a page of that one's whole result.",
    scope: "read",
    sessionToken: true,
    input: requests.runsGetInput,
    answer: answers.runDetail.or(answers.resultPage),
    async call(engine, input, context) {
      return { status: 200, body: await engine.runsGet(input, context), runId: input.runId };
    },
  }),
  operation({
    name: "runs_cancel",
    method: "DELETE",
    path: "runs/:id",
    idField: "runId",
    summary: "Stops a run at its instances and says what became of the work at each.",
    scope: "send",
    sessionToken: true,
    input: requests.runsCancelInput,
    answer: answers.runDetail,
    async call(engine, input, context) {
      return { status: 200, body: await engine.runsCancel(input, context), runId: input.runId };
    },
  }),
  operation({
    name: "runs_answer",
    method: "GET",
    path: "runs/:id/answer",
    idField: "runId",
    summary: "Returns what the call that made a run was answered with, once it was, or would be by now.",
    scope: "read",
    input: requests.runsAnswerInput,
    answer: answers.runAnswer,
    async call(engine, input, context) {
      return { status: 200, body: await engine.runsAnswer(input, context), runId: input.runId };
    },
  }),
  operation({
    name: "runs_keep_answer",
    method: "PUT",
    path: "runs/:id/answer",
    idField: "runId",
    summary: "Notes what an MCP server elsewhere answered the call of a run with, while the run is kept.",
    scope: "send",
    input: requests.keepAnswerInput,
    answer: answers.kept,
    async call(engine, input, context) {
      await engine.keepAnswer(input, context);
      return { status: 200, body: { runId: input.runId }, runId: input.runId };
    },
  }),
];

function replied(body: DelegateAnswer | SendAnswer | DryRunAnswer): Answered {
  if ("dryRun" in body) return { status: 200, body };
  const { runId, instance, reply } = body;
  return { status: reply === "pending" ? 202 : 200, body, runId, instance };
}

function fannedOut({ runId, counts, aggregate }: FanoutAnswer): Omit<Answered, "body"> {
  return { status: counts.pending > 0 || aggregate?.pending ? 202 : 200, runId };
}

function byName(found: readonly InstanceHealth[], detail: boolean): Record<string, unknown> {
  return Object.fromEntries(found.map(({ instance, ...rest }) => [instance, detail ? rest : rest.state]));
}
