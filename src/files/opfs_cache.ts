// A cache store in the origin's private file system, the best place that browsers have: no copies, no size limit but
// the origin's quota. Works in pages and workers.
//
// Source: the File System standard (fs.spec.whatwg.org). `createWritable` swaps the new content in on close; Safari has
// it since version 26 and before that only sync access handles, in workers.

import { FennecError } from "../errors";
import type { CacheStore } from "./cache";
import { webLocks } from "./locks";
import { browserSpace } from "./storage_space";

/** Undefined where there is no private file system that can be written (old browsers, some private windows). */
export async function opfsCache(folder = "fennec-models"): Promise<CacheStore | undefined> {
  let directory: FileSystemDirectoryHandle;
  try {
    const root = await navigator.storage.getDirectory();
    directory = await root.getDirectoryHandle(folder, { create: true });
  } catch {
    return undefined;
  }
  if (!canWrite()) return undefined;

  async function fileOf(name: string): Promise<File | undefined> {
    try {
      return await (await directory.getFileHandle(name)).getFile();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  return {
    kind: "opfs",
    async names() {
      const names: string[] = [];
      for await (const name of directory.keys()) names.push(name);
      return names;
    },
    async size(name) {
      return (await fileOf(name))?.size;
    },
    async read(name, offset, length) {
      const file = await fileOf(name);
      if (!file || file.size < offset + length) throw gone(name);
      return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
    },
    async write(name, bytes) {
      await writeFile(await directory.getFileHandle(name, { create: true }), bytes);
    },
    async remove(name) {
      try {
        await directory.removeEntry(name);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    },
    exclusively: webLocks(`opfs:${folder}`),
    space: browserSpace,
  };
}

function canWrite(): boolean {
  if (typeof FileSystemFileHandle === "undefined") return false;
  const { prototype } = FileSystemFileHandle;
  return "createWritable" in prototype || "createSyncAccessHandle" in prototype;
}

async function writeFile(handle: FileSystemFileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if ("createWritable" in handle) {
    const stream = await handle.createWritable();
    try {
      await stream.write(bytes);
    } catch (error) {
      await stream.abort().catch(() => undefined);
      throw error;
    }
    await stream.close();
    return;
  }
  const access = await (handle as FileSystemFileHandle).createSyncAccessHandle();
  try {
    access.truncate(0);
    const written = access.write(bytes, { at: 0 });
    if (written !== bytes.length) throw new DOMException("The disk or the quota is full.", "QuotaExceededError");
    access.flush();
  } finally {
    access.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotFoundError";
}

function gone(name: string): FennecError {
  return new FennecError("source-unreadable", `The browser has lost ${name} of its storage. Load the model again.`);
}
