// One file on an HTTP server: its size and identity, and its bytes from any offset, through dropped connections. Knows
// nothing of models, caches or hubs.
//
// Sources: RFC 9110 (sections 8.8 validators, 13.1.5 If-Range, 14 ranges); Fetch, "CORS-safelisted response-header name".

import { FennecError } from "../errors";
import { pause, retry, stallWatch, unreachable } from "./http_retry";
import { contentLength, difference, rangeStart, type Validators, validatorsOf } from "./http_validators";
import { throwIfAborted } from "./source_util";

/** First request: header of a small model, and the answer to "how large, and are there ranges?". */
export const HEAD_BYTES = 256 << 10;

/** Failures in a row, without {@link PROGRESS_BYTES} in between, before giving up; opening is less patient. */
const MAX_FAILURES = 5;
const MAX_OPEN_FAILURES = 2;
const PROGRESS_BYTES = 64 << 10;

/** Answers that another attempt may change. */
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface HttpOptions {
  readonly signal?: AbortSignal;
  /** Sent with each request, such as `authorization` for a private model. Not sent on to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /** First wait before a dropped connection is made again, milliseconds; doubles each time. 500 when absent. */
  readonly retryDelayMs?: number;
  /** A connection that brings nothing for this long is dropped and made again, milliseconds. 60,000 when absent. */
  readonly stallMs?: number;
}

export interface HttpFile {
  /** For messages: the URL without its query, which may hold secrets. */
  readonly name: string;
  readonly url: URL;
  readonly validators: Validators;
  /** False: the server sends the whole file whatever is asked. */
  readonly ranges: boolean;
  /** Lower-case hex, where a header of the answer names it (`x-linked-etag`). */
  readonly sha256?: string;
  /** The first bytes, already here; empty when the server knows no ranges. */
  readonly head: Uint8Array<ArrayBuffer>;
  /**
   * Bytes from `start` up to `end` (to the end of the file when undefined), as they arrive.
   * @throws FennecError `source-changed` when the server has another version now, `source-unreadable`, `aborted`.
   */
  stream(start: number, end: number | undefined, signal?: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** @throws FennecError `source-unreadable` (unreachable, no such file, no permission), `aborted`. */
export async function openHttp(url: URL, options: HttpOptions = {}): Promise<HttpFile> {
  const name = url.origin + url.pathname;
  const attempt = () => describe(url, name, options);
  const known = await retry(name, attempt, MAX_OPEN_FAILURES, options.retryDelayMs, options.signal);
  const file: HttpFile = {
    name,
    url,
    ...known,
    stream: (start, end, signal) => streamWithRetries(file, start, end, options, signal ?? options.signal),
  };
  return file;
}

async function describe(
  url: URL,
  name: string,
  options: HttpOptions,
): Promise<Omit<HttpFile, "name" | "url" | "stream">> {
  const response = await request(url, name, { range: `bytes=0-${HEAD_BYTES - 1}` }, options, options.signal);
  const ranges = response.status !== 200;
  const head = response.status === 206 ? await readUpTo(response, HEAD_BYTES) : new Uint8Array(0);
  if (response.status !== 206) await response.body?.cancel();

  const sha256 = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(response.headers.get("x-linked-etag") ?? "")?.[1];
  const validators = validatorsOf(response);
  const size = validators.size ?? (ranges ? await sizeByHead(url, options) : undefined);
  return {
    validators: size === undefined ? validators : { ...validators, size },
    ranges,
    head,
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

/** The body, or its first `limit` bytes when the server sends more than it was asked for. */
async function readUpTo(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(limit);
  const body = response.body?.getReader();
  let length = 0;
  while (body && length < limit) {
    const { done, value } = await body.read();
    if (done) break;
    const piece = value.subarray(0, limit - length);
    bytes.set(piece, length);
    length += piece.length;
  }
  await body?.cancel();
  return bytes.slice(0, length);
}

/** For pages on other origins: `content-range` is hidden from them unless the server exposes it, `content-length` not. */
async function sizeByHead(url: URL, options: HttpOptions): Promise<number | undefined> {
  const response = await fetch(url, {
    method: "HEAD",
    headers: { ...options.headers },
    signal: options.signal ?? null,
  });
  return response.ok ? contentLength(response) : undefined;
}

/** Answers 200, 206 and 416 (no such range) as they are; the others throw. */
async function request(
  url: URL,
  name: string,
  headers: Readonly<Record<string, string>>,
  options: HttpOptions,
  signal: AbortSignal | undefined,
): Promise<Response> {
  throwIfAborted(signal, name);
  const response = await fetch(url, {
    headers: { ...options.headers, ...headers },
    signal: signal ?? null,
    cache: "no-store", // gigabytes in the browser's own cache would stand there twice
  });
  if (response.status === 200 || response.status === 206 || response.status === 416) return response;
  await response.body?.cancel();
  throw PASSING_STATUS.has(response.status) ? new Error(`HTTP ${response.status}`) : refused(name, response.status);
}

function refused(name: string, status: number): FennecError {
  const advice =
    status === 401 || status === 403
      ? "The file is private or behind terms to be accepted: accept them, or pass an access token in `headers`."
      : status === 404 || status === 410
        ? "There is no such file: check owner, name, folder and revision."
        : "The server refuses this request.";
  return new FennecError("source-unreadable", `${name}: the server answered ${status}. ${advice}`);
}

async function* streamWithRetries(
  file: HttpFile,
  start: number,
  end: number | undefined,
  options: HttpOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const stop = end ?? file.validators.size;
  let at = start;
  let failures = 0;
  let progress = 0;
  while (stop === undefined || at < stop) {
    try {
      for await (const chunk of streamOnce(file, at, stop, options, signal)) {
        yield chunk;
        at += chunk.length;
        progress += chunk.length;
        if (progress >= PROGRESS_BYTES) failures = 0;
      }
      if (stop === undefined || at >= stop) return;
      throw new Error(`the connection ended at byte ${at} of ${stop}`);
    } catch (error) {
      progress = 0;
      failures += 1;
      if (stop === undefined && at > start) throw unreachable(file.name, error); // without a size, no way to resume
      await pause(file.name, error, failures, MAX_FAILURES, options.retryDelayMs, signal);
    }
  }
}

async function* streamOnce(
  file: HttpFile,
  at: number,
  stop: number | undefined,
  options: HttpOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const watch = stallWatch(signal, options.stallMs);
  let body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  try {
    const headers = rangeHeaders(file, at, stop);
    const response = await watch.during(request(file.url, file.name, headers, options, watch.signal));
    body = response.body?.getReader();
    const changed = difference(file.validators, validatorsOf(response));
    if (changed || response.status === 416) throw sourceChanged(file.name, changed ?? `no byte ${at} any more`);

    const start = rangeStart(response);
    if (start !== undefined && start !== at) throw wrongRange(file.name, at, start);

    let skip = response.status === 206 ? 0 : at;
    let left = stop === undefined ? Number.POSITIVE_INFINITY : stop - at;
    while (body && left > 0) {
      const { done, value } = await watch.during(body.read());
      if (done) return;
      const chunk = value.subarray(Math.min(skip, value.length), Math.min(value.length, skip + left));
      skip -= Math.min(skip, value.length);
      left -= chunk.length;
      if (chunk.length > 0) yield chunk;
    }
  } finally {
    watch.end();
    await body?.cancel().catch(() => undefined);
  }
}

/** `If-Range` asks the server itself to check the version; pages on other origins would need its permission to send it. */
function rangeHeaders(file: HttpFile, at: number, stop: number | undefined): Record<string, string> {
  if (!file.ranges) return {};
  const range = `bytes=${at}-${stop === undefined ? "" : stop - 1}`;
  const { etag } = file.validators;
  const strong = etag?.startsWith('"') ? etag : undefined;
  const sameOrigin = typeof location === "undefined" || location.origin === file.url.origin;
  return strong && sameOrigin ? { range, "if-range": strong } : { range };
}

function wrongRange(name: string, asked: number, got: number): FennecError {
  return new FennecError(
    "source-unreadable",
    `${name}: the server was asked for bytes from ${asked} on and sent those from ${got} on; it cannot be used.`,
  );
}

function sourceChanged(name: string, how: string): FennecError {
  return new FennecError(
    "source-changed",
    `${name}: the server has another version of the file now (${how}). Load the model again from the start.`,
  );
}
