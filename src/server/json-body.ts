import { isUtf8 } from "node:buffer";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { OrchestratorError } from "../core/errors.ts";

/** Far beyond what people send, and well below what would overflow the stack where JSON is written again. */
const MOST_LEVELS = 200;

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), "\\".charCodeAt(0)];
const [OPEN_LIST, CLOSE_LIST] = ["[".charCodeAt(0), "]".charCodeAt(0)];
const [OPEN_OBJECT, CLOSE_OBJECT] = ["{".charCodeAt(0), "}".charCodeAt(0)];

/** Has a server take bodies of `application/json` alone, none of which is nested too deeply. */
export function takeJsonBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser("error", "error");
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    (request: FastifyRequest, body: Buffer, done) => {
      if (!isUtf8(body)) return done(notUtf8());
      const text = body.toString();
      if (depthOf(text) > MOST_LEVELS) done(tooDeep());
      else void parse(request, text, done);
    },
  );
}

/** How deeply a JSON text is nested; of one that is no JSON, any number. */
function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_LIST || code === OPEN_OBJECT) most = Math.max(most, ++depth);
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
  return most;
}

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

/** What is not UTF-8 would be altered where it is read, and nobody would be told. */
function notUtf8(): OrchestratorError {
  return new OrchestratorError("bad_request", "The body is not UTF-8, as all JSON is.", {
    action: "Send it as UTF-8; half a surrogate pair goes as an escape, such as \\ud800.",
    delivery: "not_sent",
  });
}

function tooDeep(): OrchestratorError {
  return new OrchestratorError(
    "bad_request",
    `The body is nested more than ${MOST_LEVELS} levels deep, which is the most that is taken.`,
    { action: "Flatten it, or send the inner part as text.", delivery: "not_sent" },
  );
}
