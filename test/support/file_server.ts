// A local HTTP server of one file that misbehaves on demand: no ranges, dropped connections, new versions, errors.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How the server behaves; tests change it between requests. */
export interface Behaviour {
  content: Uint8Array;
  etag: string | undefined;
  /** False: answers 200 with everything, whatever is asked. */
  ranges: boolean;
  /** False: no `content-length` on whole answers. */
  length: boolean;
  /** Bytes after which the connection is cut, for each of the next requests; then none. */
  dropAfter: number[];
  /** Statuses for the next requests, instead of the file. */
  answers: number[];
  /** Added to the start of each range that does not begin at 0: a server that answers something else. */
  shift: number;
  /** Sent with each answer. */
  headers: Record<string, string>;
  /** Called for each request; a promise delays the answer. */
  onRequest: (request: IncomingMessage) => Promise<void> | void;
}

export interface FileServer {
  readonly url: URL;
  readonly behaviour: Behaviour;
  /** `Range` of each request so far, or its method when it has none. */
  readonly log: string[];
  /** Body bytes handed to the network so far. */
  readonly sent: () => number;
  close(): Promise<void>;
}

export async function fileServer(content: Uint8Array, path = "/models/tiny.gguf"): Promise<FileServer> {
  const behaviour: Behaviour = {
    content,
    etag: '"v1"',
    ranges: true,
    length: true,
    dropAfter: [],
    answers: [],
    shift: 0,
    headers: {},
    onRequest: () => {},
  };
  const log: string[] = [];
  let sent = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    log.push(request.headers.range ?? request.method ?? "");
    await behaviour.onRequest(request);
    const status = behaviour.answers.shift() ?? (request.url?.split("?")[0] === path ? 200 : 404);
    if (status !== 200) {
      response.writeHead(status).end("no\n");
      return;
    }
    const { content: bytes, etag, headers } = behaviour;
    const common = { ...headers, ...(etag ? { etag } : {}) };
    const stale = request.headers["if-range"] !== undefined && request.headers["if-range"] !== etag;
    const range = behaviour.ranges && !stale ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") : null;
    const start = Number(range?.[1] ?? 0) && Number(range?.[1]) + behaviour.shift;
    const end = range?.[2] ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
    if (range && start >= bytes.length) {
      response.writeHead(416, { ...common, "content-range": `bytes */${bytes.length}` }).end();
      return;
    }
    const part = bytes.subarray(start, end);
    if (range) {
      const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`;
      response.writeHead(206, { ...common, "content-range": contentRange, "content-length": part.length });
    } else {
      response.writeHead(200, { ...common, ...(behaviour.length ? { "content-length": part.length } : {}) });
    }
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    const drop = behaviour.dropAfter.shift();
    if (drop === undefined || drop >= part.length) {
      sent += part.length;
      response.end(part);
    } else {
      sent += drop;
      response.write(part.subarray(0, drop), () => response.destroy());
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}${path}`),
    behaviour,
    log,
    sent: () => sent,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
