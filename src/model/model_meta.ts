// A file's metadata as model files read it: typed access, with limits on the sizes. Files come from strangers: a size is
// checked here, before anything is allocated from it.

import type { Meta } from "../../models/model";
import { FennecError } from "../errors";
import { metaOf } from "../files/meta";
import type { WeightsFile } from "../files/weights_file";

/**
 * Limits of sizes, by the key's end (after the architecture), inclusive. Generous multiples of the largest published
 * models; their purpose is that a number from a hostile file cannot allocate or loop for long, or give NaN.
 */
const LIMITS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  block_count: [1, 1000], // Llama 3.1 405B has 126
  embedding_length: [1, 1 << 17],
  feed_forward_length: [1, 1 << 20],
  context_length: [1, 1 << 28],
  "attention.head_count": [1, 1 << 12],
  "attention.head_count_kv": [1, 1 << 12],
  "attention.key_length": [1, 1 << 12],
  "attention.value_length": [1, 1 << 12],
  "attention.layer_norm_rms_epsilon": [0, 1],
  "attention.scale": [1e-6, 1e3],
  "attention.sliding_window": [1, 1 << 28],
  "rope.dimension_count": [2, 1 << 12],
  "rope.freq_base": [1, 1e12],
  "rope.freq_base_swa": [1, 1e12],
  "rope.scale_linear": [0, 1e6],
  "rope.scaling.factor": [0, 1e6],
  final_logit_softcapping: [0, 1e6],
};

/** @throws FennecError `metadata-missing`, `metadata-type` when the file does not name its architecture. */
export function modelMetaOf(file: WeightsFile): Meta {
  const plain = metaOf(file);
  const { architecture } = plain;

  function limited(key: string, value: number): number {
    const limits = key.startsWith(`${architecture}.`) ? LIMITS[key.slice(architecture.length + 1)] : undefined;
    if (limits && !(value >= limits[0] && value <= limits[1]))
      throw new FennecError(
        "file-corrupt",
        `${file.name}: metadata "${key}" is ${value}; it must lie in [${limits[0]}, ${limits[1]}]. ` +
          "The file is damaged, or not a language model.",
      );
    return value;
  }

  const meta: Meta = {
    ...plain,
    float: (key, fallback) => limited(key, plain.float(key, fallback)),
    ints: (key, length, fallback) => plain.ints(key, length, fallback).map((value) => limited(key, value)),

    int(key, fallback) {
      const value = limited(key, plain.int(key, fallback));
      if (Number.isInteger(value)) return value;
      throw new FennecError(
        "metadata-missing",
        `${file.name}: has no metadata "${key}", and what stands for it, ${value}, is not a whole number.`,
      );
    },

    windowed(key, layers, period) {
      const value = file.metadata.get(key);
      if (typeof value === "object") return plain.ints(key, layers).map((flag) => flag !== 0);
      const every = plain.int(key, period);
      return Array.from({ length: layers }, (_, layer) => every === 0 || layer % every < every - 1);
    },

    only(key, value) {
      const got = plain.float(key, value);
      if (got !== value) throw meta.unsupported(key, String(got), String(value));
    },

    unsupported: (key, got, supported) =>
      new FennecError(
        "file-unsupported",
        `${file.name}: metadata "${key}": ${got} is not supported for architecture "${architecture}"; ` +
          `this version supports ${supported}. Try another model of this family, or a newer version.`,
      ),
  };
  return meta;
}
