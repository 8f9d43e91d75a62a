// What answers requests for resources, prompts and completion: one module, loaded when a client first asks.

export { complete } from "./completion.ts";
export { promptNamed, promptsFor } from "./prompts/index.ts";
export { listResources } from "./resources/list.ts";
export { readResource } from "./resources/read.ts";
export { TEMPLATES } from "./resources/templates.ts";
