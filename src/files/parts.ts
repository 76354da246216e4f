// A file kept in a cache store as parts of equal size (the last is shorter): written in order from the front, readable
// while it grows.

import { type CacheStore, partName } from "./cache";

/** Bytes of a part unless asked otherwise: what a crash can lose at most, and what a download holds in memory. */
export const PART_BYTES = 8 << 20;

export interface GrowingFile {
  /** Bytes from the start that are there. */
  readonly length: () => number;
  /** Bytes in whole parts: what is in the store for good. */
  readonly stored: () => number;
  /** Writes each part that becomes full. */
  append(chunk: Uint8Array): Promise<void>;
  /** Writes the part that is not full yet, if there is one. */
  flush(): Promise<void>;
  /** Gives the memory of the current part back, after `flush`; then nothing may be appended. */
  close(): void;
  /** A copy of a range below `length`. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Goes on after `stored` bytes, which are in the store already. */
export async function growingFile(
  store: CacheStore,
  prefix: string,
  partBytes: number,
  stored: number,
): Promise<GrowingFile> {
  let buffer = new Uint8Array(partBytes);
  let open = true;
  let part = Math.floor(stored / partBytes);
  let filled = stored % partBytes;
  if (filled > 0) buffer.set(await store.read(partName(prefix, part), 0, filled));

  const file: GrowingFile = {
    length: () => part * partBytes + filled,
    stored: () => part * partBytes,
    async append(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const piece = chunk.subarray(at, at + partBytes - filled);
        buffer.set(piece, filled);
        at += piece.length;
        filled += piece.length;
        if (filled < partBytes) continue;
        await file.flush();
        part += 1;
        filled = 0;
      }
    },
    async flush() {
      if (filled > 0) await store.write(partName(prefix, part), buffer.subarray(0, filled));
    },
    close() {
      open = false;
      buffer = new Uint8Array(0);
    },
    read: (offset, length) =>
      gather(offset, length, partBytes, (index, from, take) =>
        open && index === part ? buffer.subarray(from, from + take) : store.read(partName(prefix, index), from, take),
      ),
  };
  return file;
}

/** A copy of a range of a file that is complete. */
export function readParts(store: CacheStore, prefix: string, partBytes: number, offset: number, length: number) {
  return gather(offset, length, partBytes, (index, from, take) => store.read(partName(prefix, index), from, take));
}

type ReadPart = (index: number, from: number, take: number) => Uint8Array | Promise<Uint8Array>;

async function gather(
  offset: number,
  length: number,
  partBytes: number,
  readPart: ReadPart,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const from = (offset + done) % partBytes;
    const take = Math.min(length - done, partBytes - from);
    const piece = readPart(Math.floor((offset + done) / partBytes), from, take);
    bytes.set(piece instanceof Uint8Array ? piece : await piece, done); // no await while `piece` is the live buffer
    done += take;
  }
  return bytes;
}

/** Bytes from the start without a gap: whole parts, then at most one that is shorter. */
export async function storedBytes(
  store: CacheStore,
  { parts, partBytes, size = 0 }: { readonly parts: string; readonly partBytes: number; readonly size?: number },
): Promise<number> {
  let bytes = 0;
  for (let index = 0; bytes < size; index++) {
    const there = await store.size(partName(parts, index));
    if (there === undefined || there > partBytes) break;
    bytes += there;
    if (there < partBytes) break;
  }
  return Math.min(bytes, size);
}
