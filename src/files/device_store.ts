// Where findings about this device are kept between loads (which kernels are right on it, which are fast): small pieces
// beside the models, in a folder of their own. The Node entry calls `setDeviceStore`; in browsers the default is right.

import type { CacheStore } from "./cache";
import { cacheApiCache } from "./cache_api_cache";
import { opfsCache } from "./opfs_cache";

/** Undefined where nothing can be kept. Called when first needed. */
export type OpenDeviceStore = () => Promise<CacheStore | undefined>;

const FOLDER = "fennec-device";

let open: OpenDeviceStore = async () => (await opfsCache(FOLDER)) ?? (await cacheApiCache(FOLDER));
let opened: Promise<CacheStore | undefined> | undefined;

export function setDeviceStore(next: OpenDeviceStore): void {
  open = next;
  opened = undefined;
}

/** The same store each time. Rejects when it cannot be opened. */
export function deviceStore(): Promise<CacheStore | undefined> {
  opened ??= open();
  return opened;
}
