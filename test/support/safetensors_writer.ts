// Writes safetensors files and whole Hugging Face folders for tests, in memory. Also writes what no honest writer would.
//
// Source: the safetensors format (huggingface/safetensors, README).

import { memorySource } from "../../src/files/memory_source";
import type { ModelFolder } from "../../src/hugging_face/folder";

export interface WrittenTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export type Tensors = Readonly<Record<string, WrittenTensor>>;

/** @param header Changes the header's text before it is written; what it says need not be true. */
export function safetensorsBytes(
  tensors: Tensors,
  header: (text: string) => string = (text) => text,
): Uint8Array<ArrayBuffer> {
  const entries: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    entries[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const text = header(JSON.stringify(entries));
  const head = new TextEncoder().encode(text.padEnd(8 * Math.ceil(text.length / 8), " "));
  const file = new Uint8Array(8 + head.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let at = 8 + head.length;
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** The tensors in `count` files, and the index that names them. */
export function shardedFiles(tensors: Tensors, count: number): Record<string, Uint8Array<ArrayBuffer>> {
  const number = (n: number) => String(n).padStart(5, "0");
  const shards = Array.from({ length: count }, (): Record<string, WrittenTensor> => ({}));
  const weightMap: Record<string, string> = {};
  Object.entries(tensors).forEach(([name, tensor], i) => {
    shards[i % count]![name] = tensor;
    weightMap[name] = `model-${number((i % count) + 1)}-of-${number(count)}.safetensors`;
  });
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    "model.safetensors.index.json": jsonBytes({ metadata: { total_size: 1 }, weight_map: weightMap }),
  };
  shards.forEach((shard, i) => {
    files[`model-${number(i + 1)}-of-${number(count)}.safetensors`] = safetensorsBytes(shard);
  });
  return files;
}

export function jsonBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A folder in memory. */
export function memoryFolder(files: Readonly<Record<string, Uint8Array>>, name = "folder"): ModelFolder {
  return {
    name,
    async open(file) {
      const bytes = Object.hasOwn(files, file) ? files[file] : undefined;
      return bytes && memorySource(bytes, `${name}/${file}`);
    },
  };
}
