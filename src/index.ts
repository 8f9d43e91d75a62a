// What a program imports: the type of a module worker's handler, and the error that everything throws.
export { ERROR_TABLE, type ErrorBody, type ErrorCode, OrchestratorError } from "./core/errors.ts";
export type { Json } from "./core/json.ts";
export type { ModuleContext, ModuleHandler, ModuleWorker } from "./host/workers/module.ts";
