// A cache store in memory that can be full, for tests.

import type { CacheStore } from "../../src/files/cache";
import { inProcessLocks } from "../../src/files/locks";

export interface MemoryStore extends CacheStore {
  readonly pieces: Map<string, Uint8Array<ArrayBuffer>>;
  /** Writes beyond this many bytes in all fail as a browser's quota does. */
  quota: number;
  /** Free bytes that `space` tells; undefined: it does not know. */
  tells: number | undefined;
}

let scopes = 0;

export function memoryStore(): MemoryStore {
  const pieces = new Map<string, Uint8Array<ArrayBuffer>>();
  const store: MemoryStore = {
    kind: "memory",
    pieces,
    quota: Number.POSITIVE_INFINITY,
    tells: undefined,
    names: async () => [...pieces.keys()],
    size: async (name) => pieces.get(name)?.length,
    async read(name, offset, length) {
      const piece = pieces.get(name);
      if (!piece || piece.length < offset + length) throw new Error(`no ${name}`);
      return piece.slice(offset, offset + length);
    },
    async write(name, bytes) {
      const others = [...pieces].reduce((sum, [other, piece]) => sum + (other === name ? 0 : piece.length), 0);
      if (others + bytes.length > store.quota) throw new DOMException("full", "QuotaExceededError");
      pieces.set(name, bytes.slice());
    },
    async remove(name) {
      pieces.delete(name);
    },
    exclusively: inProcessLocks(`memory ${scopes++}`),
    space: async () => (store.tells === undefined ? {} : { free: store.tells, quota: store.quota }),
  };
  return store;
}
