// A folder of model files, wherever it is: on disk, picked in a page, on a server or on the hub. Only names to byte
// sources; what the files mean is the business of open_folder.ts.

import { FennecError, isFennecError } from "../errors";
import { blobSource } from "../files/blob_source";
import { reasonOf } from "../files/source_util";
import type { ByteSource } from "../files/weights_file";

export interface ModelFolder {
  /** For messages and as the model's name. */
  readonly name: string;
  /** Undefined when the folder has no such file. @throws FennecError of the source when it cannot be read. */
  open(file: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
}

/** Opens a name as `openSource` does, possibly through a cache. */
export type OpenNamed = (name: string | URL, signal?: AbortSignal) => Promise<ByteSource>;

/** Files that the user picked or dropped. Folders in their paths are ignored: a model's files lie in one folder. */
export function filesFolder(files: readonly File[]): ModelFolder {
  const [first] = files;
  const path = first?.webkitRelativePath ?? "";
  return {
    name: path.includes("/") ? path.slice(0, path.indexOf("/")) : "chosen files",
    async open(name) {
      const file = files.find((candidate) => candidate.name === name);
      return file && blobSource(file);
    },
  };
}

/** A folder that the user gave the page access to. */
export function handleFolder(handle: FileSystemDirectoryHandle): ModelFolder {
  return {
    name: handle.name,
    async open(name) {
      try {
        return blobSource(await (await handle.getFileHandle(name)).getFile());
      } catch (error) {
        if (error instanceof Error && (error.name === "NotFoundError" || error.name === "TypeMismatchError")) return;
        throw new FennecError("source-unreadable", `${handle.name}/${name}: cannot be read: ${reasonOf(error)}.`, {
          cause: error,
        });
      }
    },
  };
}

/** A folder in the hub: `hf:owner/repo` or `hf:owner/repo@revision`. */
export function hubFolder(name: string, openNamed: OpenNamed): ModelFolder {
  const [, repo = name, revision = ""] = /^(hf:[^@]+?)\/?(@[^@]+)?$/.exec(name) ?? [];
  return {
    name: repo.slice("hf:".length),
    open: orMissing((file, signal) => openNamed(`${repo}/${file}${revision}`, signal)),
  };
}

/** Files below a URL that ends in a slash. */
export function urlFolder(base: URL, openNamed: OpenNamed): ModelFolder {
  const last = decodeURIComponent(base.pathname).split("/").filter(Boolean).at(-1);
  return {
    name: last ?? base.host,
    open: orMissing((file, signal) => {
      const url = new URL(encodeURIComponent(file), base);
      url.search = base.search;
      return openNamed(url, signal);
    }),
  };
}

/** A folder on disk, where the platform opens paths. */
export function pathFolder(path: string, openNamed: OpenNamed): ModelFolder {
  const trimmed = path.replace(/[/\\]+$/, "");
  return {
    name: trimmed.split(/[/\\]/).at(-1) || trimmed,
    open: orMissing((file, signal) => openNamed(`${trimmed}/${file}`, signal)),
  };
}

/** Undefined where the file does not exist; other failures stay. */
export function orMissing(open: (file: string, signal?: AbortSignal) => Promise<ByteSource>): ModelFolder["open"] {
  return async (file, signal) => {
    try {
      return await open(file, signal);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
}

/** No such file: the system's code in Node, the server's answer on the web. */
function isMissing(error: unknown): boolean {
  if (!isFennecError(error) || error.code !== "source-unreadable") return false;
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR" || /: the server answered (404|410)\./.test(error.message);
}
