// A cache store in a folder, for Node. Like node_file.ts it is imported by the Node entry alone, and imports `node:`
// modules when it is used.

import { FennecError } from "../errors";
import type { CacheStore } from "./cache";
import { inProcessLocks } from "./locks";
import { reasonOf } from "./source_util";

/**
 * `FENNEC_CACHE`, or the place where this system keeps what can be fetched again.
 * @param kind `models`; `device` for what was found out about the GPU.
 */
export async function defaultCacheFolder(kind: "models" | "device" = "models"): Promise<string> {
  const { join } = await import("node:path");
  const { homedir } = await import("node:os");
  const { env, platform } = process;
  if (env.FENNEC_CACHE) return kind === "models" ? env.FENNEC_CACHE : join(env.FENNEC_CACHE, kind);
  if (platform === "win32") return join(env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "fennec", kind);
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "fennec", kind);
  return join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fennec", kind);
}

/**
 * Makes the folder when it is missing. Several processes may use one folder: pieces appear whole, by renaming.
 * @throws FennecError `source-unreadable` when the folder cannot be made.
 */
export async function nodeCache(folder: string): Promise<CacheStore> {
  const fs = await import("node:fs/promises");
  const { join } = await import("node:path");
  const path = (name: string) => join(folder, name);
  try {
    await fs.mkdir(folder, { recursive: true });
  } catch (error) {
    const why = `The cache folder ${folder} cannot be made: ${reasonOf(error)}. Name another in FENNEC_CACHE.`;
    throw new FennecError("source-unreadable", why, { cause: error });
  }

  return {
    kind: "folder",
    async names() {
      return (await fs.readdir(folder)).filter((name) => !name.endsWith(UNFINISHED));
    },
    async size(name) {
      const stat = await fs.stat(path(name)).catch(ignoreMissing);
      return stat?.size;
    },
    async read(name, offset, length) {
      const bytes = new Uint8Array(length);
      const handle = await fs.open(path(name), "r").catch((error) => {
        throw gone(name, error);
      });
      try {
        const { bytesRead } = await handle.read(bytes, 0, length, offset);
        if (bytesRead !== length) throw gone(name);
      } finally {
        await handle.close();
      }
      return bytes;
    },
    async write(name, bytes) {
      const unfinished = path(`${name}.${process.pid}.${crypto.randomUUID()}${UNFINISHED}`);
      try {
        await fs.writeFile(unfinished, bytes);
        await fs.rename(unfinished, path(name));
      } catch (error) {
        await fs.rm(unfinished, { force: true });
        throw error;
      }
    },
    remove: (name) => fs.rm(path(name), { force: true }),
    exclusively: inProcessLocks(`folder:${folder}`),
    async space() {
      const { bavail, bsize } = await fs.statfs(folder);
      return { free: bavail * bsize };
    },
  };
}

/** Ending of files that are being written; one is left behind only by a process that was killed. */
const UNFINISHED = ".tmp";

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

function gone(name: string, cause?: unknown): FennecError {
  return new FennecError(
    "source-unreadable",
    `The cache has lost ${name}${cause === undefined ? "" : ` (${reasonOf(cause)})`}. Load the model again.`,
    { cause },
  );
}
