// Opens a model wherever its files are: one file, the parts of a split GGUF, or a Hugging Face folder. What is a folder is
// decided by the source's form, what a file is by its first bytes.

import { invalid } from "./check";
import { FennecError } from "./errors";
import { blobSource } from "./files/blob_source";
import { openSplitGguf, splitNames } from "./files/gguf_split";
import { openWeights } from "./files/open";
import { openSource, remoteUrl, type Source } from "./files/open_source";
import type { WeightsFile } from "./files/weights_file";
import {
  filesFolder,
  handleFolder,
  hubFolder,
  type ModelFolder,
  type OpenNamed,
  orMissing,
  pathFolder,
  urlFolder,
} from "./hugging_face/folder";
import { openHuggingFace } from "./hugging_face/open_folder";
import type { Quantization } from "./hugging_face/quantize";

/** A file, or files that belong together: chosen or dropped ones, or a folder that a page was given. */
export type ModelSource = Source | readonly File[] | FileSystemDirectoryHandle;

export interface OpenModelOptions {
  /** Quantize float matrices of a Hugging Face folder while they are read. */
  readonly quantize?: Quantization | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Opens paths, URLs and `hf:` names; default {@link openSource}. */
  readonly openNamed?: OpenNamed;
}

/**
 * Strings and URLs: a GGUF file; the first part of a split one; `hf:owner/repo` or a URL that ends in a slash or a
 * folder's path for a Hugging Face folder.
 *
 * @throws FennecError `invalid-argument` (no source at all, a URL of an unknown scheme, files that do not belong together, `quantize` for GGUF), and what opening
 *   files throws. Nothing is left open then.
 */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<WeightsFile> {
  const { signal, quantize } = options;
  checkSource(source);
  const named: OpenNamed = options.openNamed ?? ((name) => openSource(name, signal ? { signal } : {}));
  const folder = await folderOf(source, named, signal);
  if (folder) return openHuggingFace(folder, { quantize, signal });
  if (quantize) {
    throw new FennecError("invalid-argument", `quantize: "${quantize}" is for float weights of a Hugging Face folder.`);
  }
  if (isFileList(source)) return openFiles(source, signal);
  if (isDirectory(source))
    throw new FennecError("invalid-argument", `"${source.name}" is a folder without config.json.`);
  if (typeof source === "string" || source instanceof URL) {
    const parts = splitNames(String(source));
    if (parts) return openSplitGguf(parts, orMissing(named), signal);
    return openWeights(await named(source, signal), signal);
  }
  return openWeights(await openSource(source), signal);
}

async function folderOf(
  source: ModelSource,
  named: OpenNamed,
  signal: AbortSignal | undefined,
): Promise<ModelFolder | undefined> {
  if (isFileList(source)) return source.some(({ name }) => name === "config.json") ? filesFolder(source) : undefined;
  if (isDirectory(source)) return handleFolder(source);
  if (typeof source !== "string" && !(source instanceof URL)) return undefined;
  const text = String(source);
  if (/^hf:[^/@]+\/[^/@]+\/?(@[^@]+)?$/.test(text)) return hubFolder(text, named);
  if (/\.gguf$/i.test(text)) return undefined;
  const url = remoteUrl(source);
  if (url) return url.pathname.endsWith("/") ? urlFolder(url, named) : undefined;
  const folder = pathFolder(text, named);
  const config = await folder.open("config.json", signal);
  config?.dispose();
  return config && folder;
}

async function openFiles(files: readonly File[], signal: AbortSignal | undefined): Promise<WeightsFile> {
  const [first] = files;
  const names = first && splitNames(first.name);
  if (names) {
    const find = async (name: string) => {
      const file = files.find((candidate) => candidate.name === name);
      return file && blobSource(file);
    };
    return openSplitGguf(names, find, signal);
  }
  if (first && files.length === 1) return openWeights(blobSource(first), signal);
  throw new FennecError(
    "invalid-argument",
    `${files.length} files: expected one GGUF file, all parts of a split one, or the files of a Hugging Face folder ` +
      "(config.json, the safetensors files, tokenizer.json).",
  );
}

/** Callers without types pass anything: an input without a file, a response, a number. */
function checkSource(source: unknown): void {
  if (typeof source === "string" ? source !== "" : isSourceObject(source)) return;
  throw invalid(
    "source",
    source,
    "a string (a path in Node, an http(s) URL, hf:owner/repo/file.gguf), URL, File, Blob, ArrayBuffer, Uint8Array, " +
      "File[], directory handle or ByteSource",
  );
}

function isSourceObject(source: unknown): boolean {
  if (typeof source !== "object" || source === null) return false;
  if (Array.isArray(source)) return source.every((file) => file instanceof Blob && "name" in file);
  if ([URL, Blob, ArrayBuffer, Uint8Array].some((kind) => source instanceof kind)) return true;
  return ("kind" in source && source.kind === "directory") || ("read" in source && "stream" in source);
}

function isFileList(source: ModelSource): source is readonly File[] {
  return Array.isArray(source);
}

function isDirectory(source: ModelSource): source is FileSystemDirectoryHandle {
  return typeof source === "object" && "kind" in source && source.kind === "directory";
}
