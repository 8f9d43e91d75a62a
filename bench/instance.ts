import { createServer } from "node:http";

// What the benchmarks talk to, in a process of its own: answers every task at once, as cheaply as
// node:http can, on as many ports as asked for.

const count = Number(process.argv[2]);
const answer = JSON.stringify({
  taskId: "t",
  reply: "done",
  result: { text: "x".repeat(200), items: [1, 2, 3] },
});
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(answer) };

const ports = await Promise.all(
  Array.from({ length: count }, () => {
    const server = createServer((request, response) => {
      request.on("data", () => {}).on("end", () => response.writeHead(200, headers).end(answer));
    });
    server.keepAliveTimeout = 60_000;
    return new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
  }),
);
process.send?.(ports);
process.once("disconnect", () => process.exit(0));
