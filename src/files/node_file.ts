// A file on disk, in Node (and Deno, Bun, Electron), as a ByteSource. Only the Node entry imports this module; `node:`
// modules are imported when a file is opened, so that a bundler for browsers never meets them.

import type { FileHandle } from "node:fs/promises";
import { FennecError } from "../errors";
import { checkRead, reasonOf, streamByReads } from "./source_util";
import type { ByteSource } from "./weights_file";

/**
 * @param path A path, or a `file:` URL.
 * @throws FennecError `source-unreadable` when there is no such file, or it is a folder, or it may not be read.
 */
export async function openNodeFile(path: string | URL): Promise<ByteSource> {
  const { open } = await import("node:fs/promises");
  const target = typeof path === "string" && path.startsWith("file:") ? new URL(path) : path;
  const name = String(path);

  let handle: FileHandle;
  try {
    handle = await open(target, "r");
  } catch (error) {
    throw unreadable(name, error);
  }
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new FennecError("source-unreadable", `${name}: is not a file. Name a model file, such as model.gguf.`);
  }
  return handleSource(handle, name, stat.size, stat.mtimeMs);
}

function handleSource(handle: FileHandle, name: string, size: number, mtimeMs: number): ByteSource {
  let disposed = false;
  const source: ByteSource = {
    name,
    size,
    identity: `path:${name}:${size}:${mtimeMs}`,
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      if (disposed) throw new FennecError("disposed", `${name}: the file was closed.`);
      const bytes = new Uint8Array(length);
      try {
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        const now = await handle.stat();
        if (now.size !== size || now.mtimeMs !== mtimeMs) throw changed(name, size, now.size);
      } catch (error) {
        if (error instanceof FennecError) throw error;
        throw unreadable(name, error);
      }
      return bytes;
    },
    stream: (offset, length, signal) => streamByReads(source, offset, length, signal),
    dispose() {
      if (disposed) return;
      disposed = true;
      void handle.close();
    },
  };
  return source;
}

function unreadable(name: string, error: unknown): FennecError {
  return new FennecError("source-unreadable", `${name}: cannot be read: ${reasonOf(error)}.`, { cause: error });
}

function changed(name: string, before: number, after: number): FennecError {
  return new FennecError(
    "source-changed",
    `${name}: was written while it was open (${before} bytes then, ${after} now). Load the model again.`,
  );
}
