// What a program imports: the engine in this process or the REST client, behind one interface; the types of
// what goes in and comes out; the handler of a module worker; and the error that everything throws.
export { createOrchestrator, type OrchestratorOptions } from "./app/create-orchestrator.ts";
export { OrchestratorClient, type OrchestratorClientOptions } from "./client/client.ts";
export type { InstanceConfig, OrchestratorConfig } from "./config/public.ts";
export type * from "./core/answers.ts";
export type * from "./core/calls.ts";
export { ERROR_TABLE, type ErrorBody, type ErrorCode, OrchestratorError } from "./core/errors.ts";
export type { Json } from "./core/json.ts";
export type { CallOptions, Orchestrator } from "./core/orchestrator.ts";
export type * from "./core/plan-answers.ts";
export type * from "./core/run-answers.ts";
export type { ModuleContext, ModuleHandler, ModuleWorker } from "./host/workers/module.ts";
