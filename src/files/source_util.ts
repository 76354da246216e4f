// What byte sources share: range checks, abort checks and streaming by reads. Not a source itself.

import { FennecError } from "../errors";
import type { ByteSource } from "./weights_file";

/** Chunk of {@link ByteSource.stream}: large enough to amortize a read, small enough to keep several in flight. */
export const STREAM_CHUNK_BYTES = 4 << 20;

/** Throws `file-truncated` when the range does not lie in the source, `aborted` when the signal says so. */
export function checkRead(source: ByteSource, offset: number, length: number, signal?: AbortSignal): void {
  throwIfAborted(signal, source.name);
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new FennecError("invalid-argument", `${source.name}: cannot read ${length} bytes at ${offset}.`);
  }
  if (offset + length > source.size) {
    throw new FennecError(
      "file-truncated",
      `${source.name}: bytes ${offset} to ${offset + length} were asked for, but the file ends at ${source.size}. ` +
        `The download or copy was probably cut short; fetch the file again.`,
    );
  }
}

export function throwIfAborted(signal: AbortSignal | undefined, name: string): void {
  if (signal?.aborted) throw abortedError(name, signal.reason);
}

export function abortedError(name: string, cause?: unknown): FennecError {
  return new FennecError("aborted", `${name}: reading was aborted by the caller.`, { cause });
}

/** {@link ByteSource.stream} for sources whose reads are cheap. */
export async function* streamByReads(
  source: ByteSource,
  offset: number,
  length: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  checkRead(source, offset, length, signal);
  const end = offset + length;
  for (let at = offset; at < end; at += STREAM_CHUNK_BYTES) {
    yield await source.read(at, Math.min(STREAM_CHUNK_BYTES, end - at), signal);
  }
}

/** The text of whatever was thrown, for messages. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
