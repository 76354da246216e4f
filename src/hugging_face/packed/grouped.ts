// Blocks of the grouped formats (kernels/quant/grouped) from unpacked values, scales and zero points or biases: what all
// schemes of packed weights have in common.

import { FennecError } from "../../errors";
import type { SafeTensor } from "../../files/safetensors";
import { floatsOf } from "../floats";
import type { Rows } from "../rows";

/** Values of some rows, not yet in blocks. */
export interface Unpacked {
  /** `[count, cols]`, unsigned. */
  readonly values: Uint8Array;
  /** `[count, groups]` */
  readonly scales: Float32Array;
  /** `[count, groups]`: weight = value · scale + bias. */
  readonly biases: Float32Array;
}

export interface GroupedSpec {
  /** For messages: the module's name. */
  readonly module: string;
  readonly bits: number;
  /** Weights that share a scale; a whole row has `cols`. */
  readonly groupSize: number;
  readonly rows: number;
  readonly cols: number;
  readonly unit: number;
  unpack(first: number, count: number, signal?: AbortSignal): Promise<Unpacked>;
  release?(): void;
}

const FACTOR_BYTES = 8;

/** @throws FennecError `file-unsupported` for groups or bits that no format has. */
export function groupedRows({ module, bits, groupSize, rows, cols, unit, unpack, release }: GroupedSpec): Rows {
  const group = [128, 64, 32].find((size) => groupSize % size === 0 && (bits === 4 || size < 128));
  if ((bits !== 4 && bits !== 8) || !group || cols % groupSize !== 0) {
    throw new FennecError(
      "file-unsupported",
      `"${module}": has ${bits} bits and groups of ${groupSize} in rows of ${cols}; this version reads 4 and 8 bits in ` +
        "groups of whole 32s. Try another quantization of the model, such as its GGUF file.",
    );
  }
  const valueBytes = (group * bits) / 8;
  const rowBytes = (cols / group) * (FACTOR_BYTES + valueBytes);
  return {
    type: `G${bits}_${group}`,
    shape: [rows, cols],
    rows,
    rowBytes,
    unit,
    async read(first, count, signal) {
      const { values, scales, biases } = await unpack(first, count, signal);
      const out = new Uint8Array(count * rowBytes);
      const view = new DataView(out.buffer);
      const groups = values.length / group;
      const share = groupSize / group;
      for (let index = 0, at = 0; index < groups; index++, at += FACTOR_BYTES + valueBytes) {
        const factors = Math.floor(index / share);
        view.setFloat32(at, scales[factors]!, true);
        view.setFloat32(at + 4, biases[factors]!, true);
        const from = values.subarray(index * group, (index + 1) * group);
        if (bits === 8) out.set(from, at + FACTOR_BYTES);
        else packNibbles(from, out, at + FACTOR_BYTES);
      }
      return out;
    },
    ...(release && { release }),
  };
}

/** Byte i of each 16 holds value i (low) and value i + 16 (high). */
function packNibbles(values: Uint8Array, out: Uint8Array, to: number): void {
  for (let i = 0; i < values.length; i += 32) {
    for (let j = 0; j < 16; j++) out[to + i / 2 + j] = values[i + j]! | (values[i + j + 16]! << 4);
  }
}

/** `(value - zero) · scale` as `value · scale + bias`. @throws FennecError `file-unsupported` where that would round. */
export function biasOf(module: string, zero: number, scale: number): number {
  const bias = -zero * scale;
  if (Math.fround(bias) === bias || Number.isNaN(bias)) return bias;
  throw new FennecError(
    "file-unsupported",
    `"${module}": the scale ${scale} times the zero point ${zero} is no f32 number; scales in f16 or bf16 are expected.`,
  );
}

/** Little-endian words to values of `bits`, lowest first. */
export function unpackWords(bytes: Uint8Array, bits: number): Uint8Array {
  if (bits === 8) return bytes;
  const values = new Uint8Array(bytes.length * 2);
  for (let i = 0; i < bytes.length; i++) {
    values[2 * i] = bytes[i]! & 15;
    values[2 * i + 1] = bytes[i]! >> 4;
  }
  return values;
}

/** The part of a module, with its shape checked. @throws FennecError `tensor-missing`, `tensor-shape`. */
export function partOf(
  module: string,
  parts: ReadonlyMap<string, SafeTensor>,
  part: string,
  dtypes: readonly string[],
  shape?: readonly number[],
): SafeTensor & { readonly shape: readonly [number, number] } {
  const tensor = parts.get(part);
  if (!tensor) throw new FennecError("tensor-missing", `"${module}": has no "${part}", which its quantization needs.`);
  const fits = tensor.shape.length === 2 && (!shape || shape.every((size, axis) => size === tensor.shape[axis]));
  if (fits && tensor.bytes > 0 && dtypes.includes(tensor.dtype))
    return { ...tensor, shape: tensor.shape as [number, number] };
  throw new FennecError(
    "tensor-shape",
    `"${module}.${part}": is ${tensor.dtype} [${tensor.shape.join(", ")}]; expected ${dtypes.join(" or ")} ` +
      `[${shape?.join(", ") ?? "rows, columns"}].`,
  );
}

export const INTS = ["I32", "U32"] as const;
export const SCALES = ["F16", "BF16", "F32"] as const;

/** Bytes of `count` rows. */
export function rowsOf(tensor: SafeTensor, first: number, count: number, signal?: AbortSignal) {
  const rowBytes = tensor.bytes / tensor.shape[0]!;
  return tensor.source.read(tensor.offset + first * rowBytes, count * rowBytes, signal);
}

export async function floatRowsOf(tensor: SafeTensor, first: number, count: number, signal?: AbortSignal) {
  return floatsOf(tensor.dtype, await rowsOf(tensor, first, count, signal))!;
}
