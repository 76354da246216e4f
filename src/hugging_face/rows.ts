// Tensors whose bytes change on the way from the file: rows made a block at a time, and the ByteSource that hands them
// out as if they lay in a file. Memory is bounded by one block of rows, whatever the tensor's size.

import { FennecError } from "../errors";
import type { SafeTensor } from "../files/safetensors";
import { checkRead } from "../files/source_util";
import type { ByteSource, TensorInfo } from "../files/weights_file";
import { bfloatBits, floatsOf } from "./floats";

/** Bytes of rows made at a time, unless one unit of rows is larger. */
const BLOCK_BYTES = 1 << 20;

export interface Rows {
  /** Weight type as ggml spells it, or one of kernels/quant/grouped. */
  readonly type: string;
  /** Slow axis first; a vector is one row. */
  readonly shape: readonly number[];
  readonly rows: number;
  readonly rowBytes: number;
  /** Rows come in multiples of it. */
  readonly unit: number;
  /** `count` rows from `first` on, both multiples of `unit`. */
  read(first: number, count: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives back what is kept between reads; a later read makes it again. */
  release?(): void;
}

/** Types that stay as they are, by dtype. */
const SAME: ReadonlySet<string> = new Set(["F32", "F16", "BF16"]);

/** What a float dtype becomes: FP8 is a subset of BF16, F64 is rounded. */
const BECOMES: ReadonlyMap<string, string> = new Map([
  ["F64", "F32"],
  ["F8_E4M3", "BF16"],
  ["F8_E5M2", "BF16"],
]);

const VALUE_BYTES: ReadonlyMap<string, number> = new Map([
  ["F32", 4],
  ["F16", 2],
  ["BF16", 2],
]);

/** A float tensor as it is, or in the nearest type that this engine has. @throws FennecError `file-unsupported`. */
export function floatRows(tensor: SafeTensor): Rows {
  const type = SAME.has(tensor.dtype) ? tensor.dtype : BECOMES.get(tensor.dtype);
  if (!type || tensor.shape.length === 0 || tensor.bytes === 0) {
    throw new FennecError(
      "file-unsupported",
      `${tensor.source.name}: tensor "${tensor.name}" is ${tensor.dtype} [${tensor.shape.join(", ")}]; a weight is a ` +
        "non-empty tensor of floats.",
    );
  }
  const rows = tensor.shape.length === 1 ? 1 : tensor.shape[0]!;
  const values = tensor.shape.reduce((a, b) => a * b, 1) / rows;
  const fileRowBytes = tensor.bytes / rows;
  return {
    type,
    shape: tensor.shape,
    rows,
    rowBytes: values * VALUE_BYTES.get(type)!,
    unit: 1,
    async read(first, count, signal) {
      const bytes = await tensor.source.read(tensor.offset + first * fileRowBytes, count * fileRowBytes, signal);
      if (type === tensor.dtype) return bytes;
      const floats = floatsOf(tensor.dtype, bytes)!;
      return new Uint8Array(type === "F32" ? floats.buffer : Uint16Array.from(floats, bfloatBits).buffer);
    },
  };
}

/** The same rows as f32 numbers. */
export async function floatValues(rows: Rows, first: number, count: number, signal?: AbortSignal) {
  return floatsOf(rows.type, await rows.read(first, count, signal))!;
}

/** A vector as rows of one value each, so that its elements can be permuted like rows. */
export function asColumn(rows: Rows): Rows {
  if (rows.shape.length !== 1) return rows;
  const valueBytes = rows.rowBytes / rows.shape[0]!;
  return {
    ...rows,
    rows: rows.shape[0]!,
    rowBytes: valueBytes,
    unit: rows.shape[0]!,
    read: (_first, _count, signal) => rows.read(0, 1, signal),
  };
}

/**
 * Within each head of `headDim` rows, brings row i of the second half behind row i of the first: RoPE then turns
 * neighbouring elements instead of halves.
 *
 * Source: llama.cpp, convert_hf_to_gguf.py, `LlamaModel.permute`.
 */
export function interleaveHalves(plain: Rows, headDim: number): Rows {
  const from = asColumn(plain);
  const half = headDim / 2;
  if (!Number.isInteger(half) || from.rows % headDim !== 0) {
    throw new FennecError(
      "tensor-shape",
      `A projection of queries or keys has ${from.rows} rows, which are no whole number of heads of ${headDim}.`,
    );
  }
  return {
    ...from,
    unit: leastCommonMultiple(headDim, from.unit),
    async read(first, count, signal) {
      const bytes = await from.read(first, count, signal);
      const { rowBytes } = from;
      const out = new Uint8Array(bytes.length);
      for (let to = 0; to < count; to++) {
        const within = to % headDim;
        const source = to - within + (within % 2) * half + (within >> 1);
        out.set(bytes.subarray(source * rowBytes, (source + 1) * rowBytes), to * rowBytes);
      }
      return out;
    },
  };
}

/** f32 values plus one: Gemma's norms multiply by 1 + weight, GGUF stores the sum. */
export function plusOne(rows: Rows): Rows {
  return {
    ...rows,
    type: "F32",
    rowBytes: (rows.rowBytes / VALUE_BYTES.get(rows.type)!) * 4,
    async read(first, count, signal) {
      const values = await floatValues(rows, first, count, signal);
      return new Uint8Array(values.map((value) => value + 1).buffer);
    },
  };
}

/** A tensor whose bytes are made when they are read. */
export function madeTensor(name: string, rows: Rows, file: string): TensorInfo {
  const bytes = rows.rows * rows.rowBytes;
  return { name, type: rows.type, shape: rows.shape, offset: 0, bytes, source: rowsSource(`${file}: ${name}`, rows) };
}

function rowsSource(name: string, rows: Rows): ByteSource {
  const unitBytes = rows.rowBytes * rows.unit;
  const step = unitBytes * Math.max(1, Math.floor(BLOCK_BYTES / unitBytes));
  const size = rows.rows * rows.rowBytes;

  async function* blocks(offset: number, length: number, signal?: AbortSignal) {
    const end = offset + length;
    try {
      for (let at = offset - (offset % unitBytes); at < end; at += step) {
        const stop = Math.min(at + step, Math.ceil(end / unitBytes) * unitBytes, size);
        const bytes = await rows.read(at / rows.rowBytes, (stop - at) / rows.rowBytes, signal);
        yield bytes.subarray(Math.max(0, offset - at), Math.min(bytes.length, end - at));
      }
    } finally {
      if (end === size) rows.release?.();
    }
  }
  const source: ByteSource = {
    name,
    size,
    identity: "",
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      const whole = new Uint8Array(length);
      let at = 0;
      for await (const piece of blocks(offset, length, signal)) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
    async *stream(offset, length, signal) {
      checkRead(source, offset, length, signal);
      yield* blocks(offset, length, signal);
    },
    dispose() {
      rows.release?.();
    },
  };
  return source;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
