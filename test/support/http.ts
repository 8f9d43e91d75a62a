import { Agent, type Dispatcher } from "undici";

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers of any shape
  body: any;
}

export interface HttpClient {
  /** Sends an object as JSON, text as it is. */
  call(
    method: Dispatcher.HttpMethod,
    url: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Reply>;
  close(): Promise<void>;
}

/** A plain HTTP client with connections of its own, which close with it. */
export function httpClient(): HttpClient {
  const dispatcher = new Agent();
  return {
    async call(method, url, { body, headers } = {}) {
      const { origin, pathname, search } = new URL(url);
      const response = await dispatcher.request({
        origin,
        path: pathname + search,
        method,
        headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
        body:
          body === undefined || typeof body === "string"
            ? (body as string | undefined)
            : JSON.stringify(body),
      });
      const text = await response.body.text();
      return {
        status: response.statusCode,
        headers: response.headers,
        body: text === "" ? undefined : JSON.parse(text),
      };
    },
    close: () => dispatcher.destroy(),
  };
}
