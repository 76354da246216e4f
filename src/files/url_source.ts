// A file on an HTTP server as a ByteSource: header and tensors by range requests, nothing stored. For what is kept
// between visits see cached_source.ts.

import { FennecError } from "../errors";
import { type HttpFile, type HttpOptions, openHttp } from "./http";
import { memorySource } from "./memory_source";
import { sequentialReader } from "./sequential";
import { checkRead } from "./source_util";
import type { ByteSource } from "./weights_file";

/** Without ranges a file must be held in memory; above this size that is refused. */
const MAX_MEMORY_BYTES = 64 << 20;

/**
 * @throws FennecError `source-unreadable` when the server cannot be reached, has no such file, or sends whole files only
 *   and this one is larger than 64 MiB (a cache helps: {@link import("./cached_source").openCached}).
 */
export async function openUrl(url: URL, options: HttpOptions = {}): Promise<ByteSource> {
  const file = await openHttp(url, options);
  const { size } = file.validators;
  if (file.ranges && size !== undefined) return httpSource(file, size);
  if (size !== undefined && size > MAX_MEMORY_BYTES) throw noRanges(file.name, `has ${size} bytes`);
  return memorySource(await readWhole(file, options.signal), file.name);
}

function httpSource(file: HttpFile, size: number): ByteSource {
  const { etag, lastModified } = file.validators;
  const reader = sequentialReader(file);
  const source: ByteSource = {
    name: file.name,
    size,
    identity: `url:${file.url.href}:${size}:${file.sha256 ?? etag ?? lastModified ?? ""}`,
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      if (offset + length <= file.head.length) return file.head.slice(offset, offset + length);
      const bytes = new Uint8Array(length);
      let at = 0;
      for await (const chunk of reader.stream(offset, length, signal)) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      return bytes;
    },
    async *stream(offset, length, signal) {
      checkRead(source, offset, length, signal);
      yield* reader.stream(offset, length, signal);
    },
    dispose: () => reader.dispose(),
  };
  return source;
}

/** For servers without ranges, or that do not say how long the file is. */
async function readWhole(file: HttpFile, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.stream(0, undefined, signal)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_MEMORY_BYTES) throw noRanges(file.name, `has more than ${MAX_MEMORY_BYTES} bytes`);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function noRanges(name: string, size: string): FennecError {
  return new FennecError(
    "source-unreadable",
    `${name}: ${size}, and the server does not answer requests for parts of it (HTTP Range, Content-Range). ` +
      `Load it with a cache, from a file, or from a server that does.`,
  );
}
