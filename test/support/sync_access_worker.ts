// A worker of a browser that has no createWritable: writes to the private file system and tells what it reads back.

import { opfsCache } from "../../src/files/opfs_cache";

self.onmessage = async ({ data }: MessageEvent<{ folder: string }>) => {
  Reflect.deleteProperty(FileSystemFileHandle.prototype, "createWritable");
  const store = await opfsCache(data.folder);
  if (!store) throw new Error("No private file system in this worker.");
  await store.write("a", Uint8Array.of(1, 2, 3));
  const bytes = [...(await store.read("a", 0, 3))];
  await store.write("a", Uint8Array.of(9));
  const shorter = [...(await store.read("a", 0, 1))];
  self.postMessage({ kind: store.kind, bytes, shorter, names: await store.names() });
};
