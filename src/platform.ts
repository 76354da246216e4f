// What a platform brings that the library cannot find by itself: WebGPU where there is no `navigator.gpu`, and a place to
// keep downloads. The Node entry sets both; in browsers the defaults are right. Opening paths is in files/platform.ts.

import { browserCache } from "./files/browser_cache";
import type { CacheStore } from "./files/cache";

export interface Platform {
  /** WebGPU of this platform; undefined where there is none. Called when first needed. */
  readonly gpu?: () => Promise<GPU | undefined>;
  /** Where downloads are kept; undefined where nothing can be kept. */
  readonly cache?: () => Promise<CacheStore | undefined>;
}

let platform: Platform = {};

export function setPlatform(next: Platform): void {
  platform = next;
}

/** The page's or worker's own WebGPU, else the platform's. */
export async function platformGpu(): Promise<GPU | undefined> {
  // `navigator.gpu` is typed as always there; where WebGPU is missing it is not.
  const own: GPU | undefined = typeof navigator === "undefined" ? undefined : navigator.gpu;
  return own ?? (await platform.gpu?.());
}

export async function platformCache(): Promise<CacheStore | undefined> {
  return platform.cache ? platform.cache() : browserCache();
}
