import type { ListedTool } from "./define-tool.ts";
import { TOOLS } from "./tools/index.ts";

/**
 * Every tool as it is listed. In the bundle stands what this comes to (scripts/bundle.ts): a client that starts us
 * has its list before a tool is loaded, or a schema made.
 */
export const LISTED: readonly ListedTool[] = TOOLS.map(({ name, readOnly, advertised }) => ({
  name,
  readOnly,
  advertised,
}));
