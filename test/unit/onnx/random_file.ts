// A weights file in memory for any graph, with seeded random weights, for tests of backends without a model.

import { formatOf } from "../../../kernels/quant/index";
import type { ByteSource, TensorInfo, WeightsFile } from "../../../src/files/weights_file";
import type { WeightRef } from "../../../src/graph/graph";
import { randomWeights } from "../../support/random_weights";

/** @param typeOf ggml's name of a weight's type; F32 when absent. */
export function randomFile(refs: readonly WeightRef[], typeOf: (ref: WeightRef) => string = () => "F32"): WeightsFile {
  const tensors = refs.map((ref, seed): readonly [string, TensorInfo] => {
    const type = ref.shape.length === 1 ? "F32" : typeOf(ref);
    const weights = ref.shape.reduce((a, b) => a * b, 1);
    const deviation = ref.shape.length === 1 ? 0.25 : 1 / Math.sqrt(ref.shape[1]!);
    const mean = ref.shape.length === 1 ? 1 : 0;
    const parts = [...randomWeights({ type, weights, seed: seed + 1, mean, deviation })];
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    const expected = (weights / formatOf(type).blockWeights) * formatOf(type).blockBytes;
    if (bytes.length !== expected) throw new Error(`${ref.name}: ${bytes.length} bytes, expected ${expected}`);
    const info: TensorInfo = {
      name: ref.name,
      type,
      shape: ref.shape,
      offset: 0,
      bytes: bytes.length,
      source: sourceOf(ref.name, bytes),
    };
    return [ref.name, info];
  });
  return {
    format: "gguf",
    name: "random.gguf",
    metadata: new Map(),
    tensors: new Map(tensors),
    bytes: tensors.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    dispose: () => undefined,
  };
}

function sourceOf(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    identity: name,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    async *stream(offset, length) {
      yield bytes.slice(offset, offset + length);
    },
    dispose: () => undefined,
  };
}
