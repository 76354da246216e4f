// The models that `load` has kept on this device, for people who want to see or delete them.

import { type CachedFile, deleteCached, listCached } from "./files/cache";
import { resolveModelUrl } from "./files/hub";
import { platformCache } from "./platform";

/** Downloads that are kept, unfinished ones included. Empty where nothing can be kept. */
export async function listCachedFiles(): Promise<readonly CachedFile[]> {
  const store = await platformCache();
  return store ? listCached(store) : [];
}

/**
 * Deletes what is kept of a URL or `hf:` name; nothing happens when there is none.
 * @throws FennecError `invalid-argument` for what is no URL, `aborted`.
 */
export async function deleteCachedFile(source: string | URL, signal?: AbortSignal): Promise<void> {
  const url = resolveModelUrl(source);
  const store = await platformCache();
  if (store) await deleteCached(store, url, signal);
}
