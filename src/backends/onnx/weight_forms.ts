// In which form each matrix lies in the wasm heap, and the bytes of each form. f32, int8 and int4 hold the file's weights
// exactly; they differ in size and speed: the runtime widens blocks to f32 at each call, so f32 is taken where it fits.
// `int8-dynamic` is asked for: weights rounded to 8 bits per row, and activations at each call.

import { halfToFloat } from "../../../kernels/quant/half";
import { formatOf } from "../../../kernels/quant/index";
import { FennecError } from "../../errors";
import type { TensorInfo, WeightsFile } from "../../files/weights_file";
import type { Graph, Node, WeightRef } from "../../graph/graph";

export type QuantizedForm = "int8" | "int4";
export type MatrixForm = "f32" | QuantizedForm | "int8-dynamic";
/** What a caller may ask for: nothing lost, or a quarter of f32's memory at 8 bits of precision. */
export type WeightChoice = "exact" | "int8-dynamic";

/** Weights that share a scale, in Q4_0 and Q8_0 and in the forms made from them. */
export const BLOCK = 32;

/** Bytes of an f16 scale before the values of a block. Source: block_q4_0 and block_q8_0 of ggml-common.h. */
const SCALE_BYTES = 2;

interface QuantizedFormSpec {
  readonly bits: number;
  /** The weight type that has exactly these weights. */
  readonly type: string;
  /** A block's values as MatMulNBits wants them: unsigned, the zero point at 2^(bits - 1), elements in order. */
  readonly pack: (block: Uint8Array, into: Uint8Array) => void;
}

export const quantizedForms: Readonly<Record<QuantizedForm, QuantizedFormSpec>> = {
  int8: {
    bits: 8,
    type: "Q8_0",
    pack: (block, into) => {
      for (let i = 0; i < BLOCK; i++) into[i] = block[i]! ^ 0x80; // signed to biased
    },
  },
  int4: {
    bits: 4,
    type: "Q4_0",
    // The file has elements i and i + 16 in byte i; wanted are 2i and 2i + 1.
    pack: (block, into) => {
      const half = BLOCK / 2;
      for (let i = 0; i < half; i++) {
        const [from, shift] = 2 * i < half ? [2 * i, 0] : [2 * i - half, 4];
        into[i] = ((block[from]! >> shift) & 15) | (((block[from + 1]! >> shift) & 15) << 4);
      }
    },
  },
};

/** Values and scales of whole blocks of a file. @param scales `[blocks]` */
export function packBlocks(form: QuantizedForm, blocks: Uint8Array, values: Uint8Array, scales: Float32Array): void {
  const { bits, pack } = quantizedForms[form];
  const valueBytes = (BLOCK * bits) / 8;
  const blockBytes = SCALE_BYTES + valueBytes;
  for (let block = 0, at = 0; at < blocks.length; block++, at += blockBytes) {
    scales[block] = halfToFloat(blocks[at]! | (blocks[at + 1]! << 8));
    const into = values.subarray(block * valueBytes, (block + 1) * valueBytes);
    pack(blocks.subarray(at + SCALE_BYTES, at + blockBytes), into);
  }
}

export interface WeightPlan {
  readonly formOf: (ref: WeightRef) => MatrixForm;
  /** Bytes in the wasm heap. */
  readonly bytes: number;
  /** Bytes of embedding tables, kept outside it as the file has them. */
  readonly tableBytes: number;
  /** For people: `f32`, or which part is not. */
  readonly summary: string;
}

/**
 * All f32 where that fits the budget. Otherwise the largest matrices that the file has as Q8_0 or Q4_0 keep their bits,
 * as many as it takes.
 *
 * @param budget Bytes of weights that the heap may hold.
 * @throws FennecError `out-of-memory` when that is not enough, `tensor-missing`, `file-unsupported`.
 */
export function planWeights(
  graph: Graph,
  file: WeightsFile,
  budget: number,
  choice: WeightChoice = "exact",
): WeightPlan {
  const matrices = new Map<string, WeightRef>();
  const vectors = new Map<string, WeightRef>();
  const tables = new Map<string, WeightRef>();
  for (const node of graph.nodes) {
    if (node.op === "embed") tables.set(node.weight.name, node.weight);
    if (node.op === "linear") matrices.set(node.weight.name, node.weight);
    for (const ref of vectorsOf(node)) vectors.set(ref.name, ref);
  }
  const all = [...matrices.values(), ...vectors.values()];
  let bytes = all.reduce((sum, ref) => sum + 4 * sizeOf(ref), 0);
  const whole = bytes;
  const forms = new Map<string, MatrixForm>();
  if (choice === "int8-dynamic")
    for (const [name, ref] of matrices) {
      if (name === headOf(graph)) continue; // its errors are those of the logits themselves
      forms.set(name, choice);
      bytes += formBytes(ref, choice) - 4 * sizeOf(ref);
    }
  const bySize = [...matrices.values()].sort((a, b) => sizeOf(b) - sizeOf(a));
  for (const ref of bySize) {
    if (bytes <= budget) break;
    if (forms.has(ref.name)) continue;
    const form = exactForm(tensorOf(file, ref), ref);
    if (!form) continue;
    forms.set(ref.name, form);
    bytes += formBytes(ref, form) - 4 * sizeOf(ref);
  }
  if (bytes > budget) throw tooLarge(file, bytes, whole, budget);
  const counts = [...new Set(forms.values())].map((form) => {
    const count = [...forms.values()].filter((value) => value === form).length;
    return `${count} of ${matrices.size} matrices ${form}${form === "int8-dynamic" ? " (not exact)" : " (slow)"}`;
  });
  return {
    formOf: (ref) => forms.get(ref.name) ?? "f32",
    bytes,
    tableBytes: [...tables.values()].reduce((sum, ref) => sum + tensorOf(file, ref).bytes, 0),
    summary: ["f32 weights", ...counts].join(", "),
  };
}

/** Weights of a node that are always f32. */
export function vectorsOf(node: Node): readonly WeightRef[] {
  switch (node.op) {
    case "linear":
      return node.bias ? [node.bias] : [];
    case "rms_norm":
      return [node.weight];
    case "layer_norm":
      return node.bias ? [node.weight, node.bias] : [node.weight];
    case "attention":
      return node.spec.sinks ? [node.spec.sinks] : [];
    default:
      return [];
  }
}

/** @throws FennecError `tensor-missing`, `file-unsupported` (a type that nothing here reads). */
export function tensorOf(file: WeightsFile, ref: WeightRef): TensorInfo {
  const tensor = file.tensors.get(ref.name);
  if (!tensor)
    throw new FennecError("tensor-missing", `${file.name}: tensor "${ref.name}" is missing; the graph reads it.`);
  formatOf(tensor.type);
  return tensor;
}

export function formBytes(ref: WeightRef, form: MatrixForm): number {
  if (form === "f32") return 4 * sizeOf(ref);
  if (form === "int8-dynamic") return sizeOf(ref) + 4 * ref.shape[0]!;
  return sizeOf(ref) * (quantizedForms[form].bits / 8 + 4 / BLOCK);
}

/** The matrix that makes the logits. */
function headOf(graph: Graph): string | undefined {
  return graph.nodes.findLast((node) => node.op === "linear")?.weight.name;
}

export function sizeOf(ref: WeightRef): number {
  return ref.shape.reduce((product, size) => product * size, 1);
}

export function exactForm(tensor: TensorInfo, ref: WeightRef): QuantizedForm | undefined {
  const forms: readonly QuantizedForm[] = ["int8", "int4"];
  return ref.shape[1]! % BLOCK === 0 ? forms.find((form) => quantizedForms[form].type === tensor.type) : undefined;
}

function tooLarge(file: WeightsFile, bytes: number, whole: number, budget: number): FennecError {
  const mib = (size: number) => `${Math.ceil(size / 2 ** 20)} MiB`;
  const least = bytes < whole ? ` (${mib(bytes)} with Q8_0 and Q4_0 matrices at their own bits)` : "";
  return new FennecError(
    "out-of-memory",
    `${file.name}: without WebGPU its weights need ${mib(whole)} of memory${least}; the limit is ${mib(budget)}. ` +
      `Use a smaller model (${Math.floor(budget / 4e8) * 100} million weights fit in any type), ` +
      "a Q8_0 or Q4_0 file, or WebGPU.",
  );
}
