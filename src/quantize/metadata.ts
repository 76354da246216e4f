// The metadata of the new file: a GGUF's as it was, byte for byte; other files' with types that GGUF readers expect. Only
// what quantizing changes is written anew.

import { readRawMetadata } from "../files/gguf_raw";
import { type GgufValue, gguf } from "../files/gguf_writer";
import type { MetadataValue, WeightsFile } from "../files/weights_file";

/** `general.file_type`. Source: `enum llama_ftype` of llama.h; the K types without a mixture are those called "small". */
const FILE_TYPES: Readonly<Record<string, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q8_0: 7,
  Q5_0: 8,
  Q5_1: 9,
  Q4_K: 14,
  Q5_K: 16,
  Q6_K: 18,
  IQ4_NL: 25,
  BF16: 32,
};

/** GGML_QNT_VERSION of ggml.h. */
const QUANTIZATION_VERSION = 2;

/** Of the file's layout or of one of its parts, which the new file does not share. */
const DROPPED: ReadonlySet<string> = new Set(["general.alignment", "split.no", "split.count", "split.tensors.count"]);

export async function metadataOf(
  file: WeightsFile,
  type: string,
  signal?: AbortSignal,
): Promise<readonly (readonly [string, GgufValue])[]> {
  const entries = new Map<string, GgufValue>();
  for (const [key, value] of await entriesOf(file, signal)) if (!DROPPED.has(key)) entries.set(key, value);
  entries.set("general.quantization_version", gguf.u32(QUANTIZATION_VERSION));
  entries.set("general.file_type", gguf.u32(FILE_TYPES[type]!));
  return [...entries];
}

async function entriesOf(file: WeightsFile, signal?: AbortSignal): Promise<Iterable<readonly [string, GgufValue]>> {
  const first = file.tensors.values().next().value;
  if (file.format === "gguf" && first) {
    const raw = await readRawMetadata(first.source, signal);
    return [...raw].map(([key, bytes]) => [key, gguf.raw(bytes)] as const);
  }
  return [...file.metadata].map(([key, value]) => [key, ggufValueOf(key, value)] as const);
}

/** Numbers that are floats also where they happen to be whole. */
const FLOAT_KEYS =
  /(epsilon|freq_base|freq_base_swa|scale|scaling\.factor|softcapping|factor|_scale|clamp_kqv|\.temp|top_p|\.rms_eps)$/;

function ggufValueOf(key: string, value: MetadataValue): GgufValue {
  switch (typeof value) {
    case "string":
      return gguf.string(value);
    case "boolean":
      return gguf.bool(value);
    case "bigint":
      return value < 0n ? gguf.scalar("int64", value) : gguf.u64(value);
    case "number":
      if (!Number.isInteger(value) || FLOAT_KEYS.test(key)) return gguf.f32(value);
      if (value < 0) return gguf.i32(value);
      return value < 2 ** 32 ? gguf.u32(value) : gguf.u64(value);
    default:
      return arrayOf(key, value);
  }
}

function arrayOf(key: string, values: Extract<MetadataValue, { length: number }>): GgufValue {
  if (typeof values === "string") return gguf.string(values);
  if (values instanceof Float32Array) return gguf.array("float32", values);
  if (values instanceof Float64Array) return gguf.array("float64", values);
  if (values instanceof Int32Array) return gguf.array("int32", values);
  if (values instanceof Uint32Array) return gguf.array("uint32", values);
  if (values instanceof Int16Array) return gguf.array("int16", values);
  if (values instanceof Uint16Array) return gguf.array("uint16", values);
  if (values instanceof Int8Array) return gguf.array("int8", values);
  if (values instanceof Uint8Array) return gguf.array("uint8", values);
  const items = values.map((value) => ggufValueOf(key, value));
  const scalars = items.flatMap((item) => (item.type === "array" || item.type === "raw" ? [] : [item]));
  if (scalars.length < items.length) return gguf.arrays(items);
  const types = new Set(scalars.map((item) => item.type));
  const [only] = types;
  if (types.size === 0) return gguf.array("string", []);
  // Token types and the like: whole numbers of either sign.
  const type = types.size === 1 && only !== "uint32" ? only! : types.has("float32") ? "float32" : "int32";
  return gguf.array(
    type,
    scalars.map((item) => item.value),
  );
}
