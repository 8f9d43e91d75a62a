import { createServer } from "node:http";

// An instance in a process of its own that answers at once, as cheaply as can be.

const answer = JSON.stringify({ taskId: "t", reply: "done", result: { text: "x".repeat(200) } });
const healthy = JSON.stringify({ status: "healthy", code: 200, storeId: "s" });
const server = createServer((request, response) => {
  const body = request.method === "POST" ? answer : healthy;
  request
    .on("data", () => {})
    .on("end", () => {
      response
        .writeHead(200, { "content-type": "application/json", "content-length": body.length })
        .end(body);
    });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  process.stdout.write(`${JSON.stringify({ ready: `http://127.0.0.1:${port}` })}\n`);
});
process.stdin.resume().on("end", () => process.exit(0));
