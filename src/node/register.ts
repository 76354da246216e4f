// What Node brings to the library: opening paths, a folder for downloads, and WebGPU through Dawn.

import { setDeviceStore } from "../files/device_store";
import { defaultCacheFolder, nodeCache } from "../files/node_cache";
import { openNodeFile } from "../files/node_file";
import { setPathOpener } from "../files/platform";
import { setPlatform } from "../platform";
import { dawnGpu } from "./dawn";

/** Safe to call more than once. Nothing is opened or loaded before it is needed. */
export function registerNode(): void {
  setPathOpener(openNodeFile);
  setDeviceStore(async () => nodeCache(await defaultCacheFolder("device")));
  setPlatform({ gpu: () => dawnGpu(), cache: async () => nodeCache(await defaultCacheFolder()) });
}
