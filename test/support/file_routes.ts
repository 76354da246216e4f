// Serves test files over HTTP with byte ranges and ETags, for the URL source in browser tests. Node side only.

import { createReadStream, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, normalize, resolve, sep } from "node:path";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Plugin } from "vite";

const fixtures = resolve(import.meta.dirname, "../fixtures");

/** URL prefix -> folder. `/external-fixtures/` is there only when `FENNEC_FIXTURES` names a folder. */
export function fixtureFolders(): Readonly<Record<string, string>> {
  const external = process.env.FENNEC_FIXTURES;
  return { "/fixtures/": fixtures, ...(external ? { "/external-fixtures/": resolve(external) } : {}) };
}

/** Adds the folders of {@link fixtureFolders} to vite's server. */
export function fixtureRoutes(): Plugin {
  return {
    name: "fennec:fixture-routes",
    configureServer(server) {
      for (const [prefix, folder] of Object.entries(fixtureFolders())) {
        server.middlewares.use((request, response, next) => {
          if (!request.url?.startsWith(prefix)) return next();
          sendFile(folder, request.url.slice(prefix.length), request, response);
        });
      }
    },
  };
}

/**
 * Answers one request for `path` (URL-encoded, below `folder`) with 200, 206 for one byte range, 416, or 404. A path
 * that leaves the folder is 404.
 *
 * @param bytesPerSecond Slows the answer down; absent is as fast as it goes.
 */
export function sendFile(
  folder: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  bytesPerSecond?: number,
): void {
  const file = join(folder, normalize(decodeURIComponent(path.split(/[?#]/)[0] ?? "")));
  const stat = file.startsWith(folder + sep) ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (!stat?.isFile()) {
    response.writeHead(404).end(`no such file: ${path}\n`);
    return;
  }
  const headers: Record<string, string | number> = {
    "accept-ranges": "bytes",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "accept-ranges, content-range, etag",
    "cache-control": "no-cache",
    "content-type": file.endsWith(".json") ? "application/json" : "application/octet-stream",
    etag: `"${stat.size.toString(16)}-${Math.trunc(stat.mtimeMs).toString(16)}"`,
  };
  const range = byteRange(request.headers.range, stat.size);
  if (range === "unsatisfiable") {
    response.writeHead(416, { ...headers, "content-range": `bytes */${stat.size}` }).end();
    return;
  }
  if (range) headers["content-range"] = `bytes ${range.start}-${range.end}/${stat.size}`;
  const { start, end } = range ?? { start: 0, end: stat.size - 1 };
  response.writeHead(range ? 206 : 200, { ...headers, "content-length": end - start + 1 });
  if (request.method === "HEAD" || stat.size === 0) response.end();
  else if (bytesPerSecond) createReadStream(file, { start, end }).pipe(slowDown(bytesPerSecond)).pipe(response);
  else createReadStream(file, { start, end }).pipe(response);
}

/** The first and last byte asked for by a `Range` header of one range; undefined for none (RFC 9110, section 14). */
function byteRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (!match[1] && !match[2])) return undefined;
  const last = size - 1;
  const start = match[1] ? Number(match[1]) : Math.max(0, size - Number(match[2]));
  const end = match[1] && match[2] ? Math.min(Number(match[2]), last) : last;
  return start > end ? "unsatisfiable" : { start, end };
}

function slowDown(bytesPerSecond: number): Transform {
  return new Transform({
    async transform(chunk: Buffer, _encoding, done) {
      await sleep((chunk.length / bytesPerSecond) * 1000);
      done(null, chunk);
    },
  });
}
