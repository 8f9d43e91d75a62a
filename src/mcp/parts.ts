// What every way to serve MCP needs, under one name: so it is bundled as one file, and a start reads no more of them.
export { chooseTools, type ToolChoice } from "./choose-tools.ts";
export { createMcpServer } from "./server.ts";
export { serveMcpStdio } from "./stdio.ts";
