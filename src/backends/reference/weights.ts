// A graph's weights as f32 numbers in JS memory: small models only.

import { formatOf } from "../../../kernels/quant/index";
import { FennecError } from "../../errors";
import type { TensorInfo, WeightsFile } from "../../files/weights_file";
import type { Graph, Node, WeightRef } from "../../graph/graph";
import type { LoadProgress } from "../backend";

/** Dequantized weights at most; larger models are for the other backends. */
const MAX_BYTES = 1 << 30;

/** Bytes of a file read and widened at a time. */
const CHUNK_BYTES = 16 << 20;

export interface ReferenceWeights {
  get(ref: WeightRef): Float32Array;
  optional(ref: WeightRef | undefined): Float32Array | undefined;
  readonly bytes: number;
}

/**
 * Reads and dequantizes every weight of the graph.
 *
 * @throws FennecError `out-of-memory` above 1 GiB, `file-unsupported` for a weight type that is not known,
 *   `tensor-missing`, `tensor-not-finite`, and what reading the file throws.
 */
export async function loadReferenceWeights(
  graph: Graph,
  file: WeightsFile,
  signal?: AbortSignal,
  onProgress?: (progress: LoadProgress) => void,
): Promise<ReferenceWeights> {
  const tensors = weightsOf(graph).map((ref) => tensorOf(file, ref));
  const elements = tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
  if (elements * 4 > MAX_BYTES)
    throw new FennecError(
      "out-of-memory",
      `${file.name}: the reference backend keeps weights as f32 and needs ${elements * 4} bytes for this model; ` +
        `its limit is ${MAX_BYTES}. Use the webgpu backend.`,
    );
  const bytesTotal = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  let bytesLoaded = 0;
  const loaded = new Map<string, Float32Array>();
  for (const tensor of tensors) {
    loaded.set(tensor.name, await loadTensor(file, tensor, signal));
    bytesLoaded += tensor.bytes;
    onProgress?.({ phase: "weights", bytesLoaded, bytesTotal });
  }
  return {
    get: (ref) => loaded.get(ref.name)!,
    optional: (ref) => ref && loaded.get(ref.name)!,
    bytes: elements * 4,
  };
}

/** Each weight that the graph reads, once. */
export function weightsOf(graph: Graph): readonly WeightRef[] {
  const byName = new Map<string, WeightRef>();
  for (const node of graph.nodes) for (const ref of refsOf(node)) byName.set(ref.name, ref);
  return [...byName.values()];
}

function refsOf(node: Node): readonly WeightRef[] {
  switch (node.op) {
    case "embed":
    case "rms_norm":
      return [node.weight];
    case "linear":
    case "layer_norm":
      return node.bias ? [node.weight, node.bias] : [node.weight];
    case "rope":
      return node.rope.factors ? [node.rope.factors] : [];
    case "attention":
      return node.spec.sinks ? [node.spec.sinks] : [];
    default:
      return [];
  }
}

function tensorOf(file: WeightsFile, ref: WeightRef): TensorInfo {
  const tensor = file.tensors.get(ref.name);
  if (tensor) return tensor;
  throw new FennecError("tensor-missing", `${file.name}: tensor "${ref.name}" is missing; the graph reads it.`);
}

function sizeOf(tensor: TensorInfo): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}

async function loadTensor(file: WeightsFile, tensor: TensorInfo, signal?: AbortSignal): Promise<Float32Array> {
  const format = formatOf(tensor.type);
  const values = new Float32Array(sizeOf(tensor));
  const step = Math.floor(CHUNK_BYTES / format.blockBytes) * format.blockBytes;
  for (let at = 0, filled = 0; at < tensor.bytes; at += step) {
    const bytes = await tensor.source.read(tensor.offset + at, Math.min(step, tensor.bytes - at), signal);
    const part = format.dequantize(bytes);
    values.set(part, filled);
    filled += part.length;
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new FennecError(
      "tensor-not-finite",
      `${file.name}: tensor "${tensor.name}" holds ${values[bad]} at element ${bad}. The file is damaged; ` +
        "download it again.",
    );
  return values;
}
