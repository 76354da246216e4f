// The tensors of a Hugging Face folder: one model.safetensors, or shards that model.safetensors.index.json names.

import { FennecError } from "../errors";
import { type JsonObject, objectField, parseJsonObject, readText, refuseDuplicateKeys } from "../files/json";
import { quoted } from "../files/quoted";
import { readSafetensors, type SafeTensor } from "../files/safetensors";
import {
  MAX_INDEX_BYTES,
  MAX_SAFETENSORS_NAME,
  MAX_SAFETENSORS_TENSORS,
  MAX_SHARDS,
} from "../files/safetensors_limits";
import type { ByteSource } from "../files/weights_file";
import type { ModelFolder } from "./folder";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

export interface Shards {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Total bytes of the files. */
  readonly bytes: number;
  dispose(): void;
}

/**
 * @throws FennecError `source-unreadable` naming the file that the folder lacks, `tensor-missing` when a shard lacks what
 *   the index says, and what reading the files throws. Nothing is left open then.
 */
export async function openShards(folder: ModelFolder, signal?: AbortSignal): Promise<Shards> {
  const index = await folder.open(INDEX, signal);
  const sources: ByteSource[] = [];
  const dispose = () => {
    for (const source of sources) source.dispose();
  };
  try {
    const tensors = index
      ? await readIndexed(folder, index, sources, signal)
      : await readSingle(folder, sources, signal);
    return { tensors, bytes: sources.reduce((sum, { size }) => sum + size, 0), dispose };
  } catch (error) {
    dispose();
    throw error;
  } finally {
    index?.dispose();
  }
}

async function readSingle(folder: ModelFolder, sources: ByteSource[], signal?: AbortSignal) {
  const source = await folder.open(SINGLE, signal);
  if (!source) {
    throw new FennecError(
      "source-unreadable",
      `${folder.name}: has neither ${SINGLE} nor ${INDEX}. Choose a folder with the model's weights as safetensors.`,
    );
  }
  sources.push(source);
  return readSafetensors(source, signal);
}

async function readIndexed(folder: ModelFolder, index: ByteSource, sources: ByteSource[], signal?: AbortSignal) {
  const byFile = filesOfIndex(index.name, await readText(index, MAX_INDEX_BYTES, signal));
  const tensors = new Map<string, SafeTensor>();
  for (const [file, names] of byFile) {
    const source = await folder.open(file, signal);
    if (!source) {
      throw new FennecError(
        "source-unreadable",
        `${folder.name}: ${INDEX} names ${quoted(file)}, which the folder does not have. All ${byFile.size} files are needed.`,
      );
    }
    sources.push(source);
    const found = await readSafetensors(source, signal);
    for (const name of names) {
      const tensor = found.get(name);
      if (!tensor) {
        throw new FennecError(
          "tensor-missing",
          `${source.name}: has no tensor ${quoted(name)}, though ${INDEX} says so. The files belong to different versions.`,
        );
      }
      tensors.set(name, tensor);
    }
  }
  return tensors;
}

/** Tensor names by file, in the order of the index. @throws FennecError `file-corrupt`. */
export function filesOfIndex(name: string, text: string): ReadonlyMap<string, readonly string[]> {
  const root = parseJsonObject(name, text);
  refuseDuplicateKeys(name, text);
  const map: JsonObject | undefined = objectField(root, "weight_map");
  if (!map) throw new FennecError("file-corrupt", `${name}: has no "weight_map" from tensors to files.`);
  const entries = Object.entries(map);
  if (entries.length > MAX_SAFETENSORS_TENSORS) {
    throw new FennecError(
      "file-corrupt",
      `${name}: names ${entries.length} tensors; at most ${MAX_SAFETENSORS_TENSORS} are possible.`,
    );
  }
  const byFile = new Map<string, string[]>();
  for (const [tensor, file] of entries) {
    if (tensor === "" || tensor.length > MAX_SAFETENSORS_NAME || typeof file !== "string" || !isFileName(file)) {
      throw new FennecError(
        "file-corrupt",
        `${name}: tensor ${quoted(tensor)} is said to be in ${quoted(String(file))}, which is no name of a safetensors file.`,
      );
    }
    const names = byFile.get(file);
    if (names) names.push(tensor);
    else if (byFile.size < MAX_SHARDS) byFile.set(file, [tensor]);
    else throw new FennecError("file-corrupt", `${name}: names more than ${MAX_SHARDS} files.`);
  }
  return byFile;
}

/** A file beside the index, never one elsewhere. */
function isFileName(name: string): boolean {
  return /^[\w][\w.-]{0,199}\.safetensors$/.test(name) && !name.includes("..");
}
