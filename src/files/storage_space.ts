// How much this origin may still store, as browsers estimate it.

import type { StorageSpace } from "./cache";

export async function browserSpace(): Promise<StorageSpace> {
  try {
    const { quota, usage = 0 } = await navigator.storage.estimate();
    return quota === undefined ? {} : { quota, free: Math.max(0, quota - usage) };
  } catch {
    return {};
  }
}
