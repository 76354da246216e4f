// A cache store in the Cache API, for browsers without a private file system that can be written. Each piece is a
// response under a made-up URL of this origin.

import { FennecError } from "../errors";
import type { CacheStore } from "./cache";
import { webLocks } from "./locks";
import { browserSpace } from "./storage_space";

/** Undefined where there is no Cache API (insecure pages, some private windows). */
export async function cacheApiCache(name = "fennec-models"): Promise<CacheStore | undefined> {
  if (typeof caches === "undefined") return undefined;
  let cache: Cache;
  try {
    cache = await caches.open(name);
  } catch {
    return undefined;
  }
  const base = new URL(`/.${name}/`, location.origin);
  const urlOf = (piece: string) => new URL(piece, base).href;

  /** Blobs stay on disk: only the slice that is read comes into memory. */
  async function blobOf(piece: string): Promise<Blob | undefined> {
    return (await cache.match(urlOf(piece)))?.blob();
  }

  return {
    kind: "cache-api",
    async names() {
      return (await cache.keys()).map(({ url }) => url.slice(base.href.length));
    },
    async size(piece) {
      return (await blobOf(piece))?.size;
    },
    async read(piece, offset, length) {
      const blob = await blobOf(piece);
      if (!blob || blob.size < offset + length) {
        const why = `The browser has lost ${piece} of its storage. Load the model again.`;
        throw new FennecError("source-unreadable", why);
      }
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
    write: (piece, bytes) => cache.put(urlOf(piece), new Response(new Blob([bytes]))),
    async remove(piece) {
      await cache.delete(urlOf(piece));
    },
    exclusively: webLocks(`cache-api:${name}`),
    space: browserSpace,
  };
}
