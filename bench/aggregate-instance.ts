import { createServer } from "node:http";

// A fleet of many behind one port, in a process of its own: every task is answered at once with a score
// and so many bytes of text.

const bytes = Number(process.argv[2]);
const answer = Buffer.from(
  JSON.stringify({ taskId: "t", reply: "done", result: { score: 7, text: "word ".repeat(bytes / 5) } }),
);
const headers = { "content-type": "application/json", "content-length": answer.length };
const server = createServer((request, response) => {
  request.on("data", () => {}).on("end", () => response.writeHead(200, headers).end(answer));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as { port: number }).port));
process.once("disconnect", () => process.exit(0));
