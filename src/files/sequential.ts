// Joins range requests that follow each other: a model is read tensor by tensor from front to back, and one request per
// tensor would cost hundreds of round trips (two each where a hub redirects).

import type { HttpFile } from "./http";
import { abortedError } from "./source_util";

/** Gaps up to this are read and dropped: cheaper than a new request, larger than padding and small vectors. */
const MAX_GAP_BYTES = 256 << 10;

/** A request that runs on to the end of the file; its bytes are fetched only as they are asked for. */
interface OpenRequest {
  readonly chunks: AsyncGenerator<Uint8Array<ArrayBuffer>>;
  readonly stop: AbortController;
  position: number;
  /** Arrived, not asked for yet: begins at `position`. */
  rest: Uint8Array<ArrayBuffer>;
}

export interface SequentialReader {
  stream(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  dispose(): void;
}

/** A second range shortly behind the first keeps its request open for a third; any other range is its own request. */
export function sequentialReader(file: HttpFile): SequentialReader {
  let idle: OpenRequest | undefined;
  let lastEnd = Number.NaN;
  const follows = (offset: number, end: number) => offset >= end && offset - end <= MAX_GAP_BYTES;

  function take(offset: number): OpenRequest | undefined {
    if (idle && follows(offset, idle.position)) {
      const request = idle;
      idle = undefined;
      return request;
    }
    if (!follows(offset, lastEnd)) return undefined;
    idle?.stop.abort();
    idle = undefined;
    const stop = new AbortController();
    const chunks = file.stream(offset, undefined, stop.signal);
    return { chunks, stop, position: offset, rest: new Uint8Array(0) };
  }

  return {
    async *stream(offset, length, signal) {
      const request = length > 0 ? take(offset) : undefined;
      lastEnd = offset + length;
      if (!request) {
        yield* file.stream(offset, offset + length, signal);
        return;
      }
      let whole = false;
      const aborted = () => request.stop.abort(signal?.reason);
      signal?.addEventListener("abort", aborted, { once: true });
      try {
        await skip(request, offset);
        for (let left = length; left > 0; ) {
          const piece = await next(request, left);
          left -= piece.length;
          yield piece;
        }
        whole = true;
      } catch (error) {
        throw signal?.aborted ? abortedError(file.name, error) : error;
      } finally {
        signal?.removeEventListener("abort", aborted);
        if (whole && !idle && request.position !== file.validators.size) idle = request;
        else request.stop.abort();
      }
    },
    dispose() {
      idle?.stop.abort();
      idle = undefined;
    },
  };
}

async function skip(request: OpenRequest, offset: number): Promise<void> {
  while (request.position < offset) await next(request, offset - request.position);
}

/** At least one byte, at most `limit`. */
async function next(request: OpenRequest, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  if (request.rest.length === 0) {
    const { done, value } = await request.chunks.next();
    if (done) throw new Error(`The request ended at byte ${request.position}.`); // its stream throws before that
    request.rest = value;
  }
  const piece = request.rest.subarray(0, limit);
  request.rest = request.rest.subarray(piece.length);
  request.position += piece.length;
  return piece;
}
