// Where a browser keeps models: its private file system, else the Cache API.

import type { CacheStore } from "./cache";
import { cacheApiCache } from "./cache_api_cache";
import { opfsCache } from "./opfs_cache";

/**
 * Undefined where nothing can be stored: models are then read from the network each time. Pages should ask for
 * `navigator.storage.persist()`, which workers cannot, so that the browser does not clear models when space runs low.
 */
export async function browserCache(): Promise<CacheStore | undefined> {
  return (await opfsCache()) ?? (await cacheApiCache());
}
