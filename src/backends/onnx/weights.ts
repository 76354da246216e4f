// Brings weights from the file into the bytes that a lowered part names, and keeps what the host needs itself:
// embedding rows and the divisors of rope frequencies.

import { formatOf } from "../../../kernels/quant/index";
import { FennecError } from "../../errors";
import type { TensorInfo, WeightsFile } from "../../files/weights_file";
import type { WeightRef } from "../../graph/graph";
import type { LoweredWeight } from "./lower";
import { packBlocks, type QuantizedForm, quantizedForms, sizeOf, tensorOf } from "./weight_forms";

/** Bytes of a file read and widened at a time, about. */
const CHUNK_BYTES = 8 << 20;

export interface WeightReader {
  readonly file: WeightsFile;
  readonly signal?: AbortSignal;
  /** Tables that were read before, by name: a head that is tied to one is made from it, not from the file. */
  readonly tables: Map<string, EmbeddingTable>;
}

/** The bytes of all external tensors of a part, by name. Each tensor of the file is read once. */
export async function readPart(
  reader: WeightReader,
  weights: readonly LoweredWeight[],
): Promise<{ readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[]> {
  const files: { path: string; data: Uint8Array<ArrayBuffer> }[] = [];
  for (const { tensor, ref, content } of weights) {
    if (content === "scales") continue; // comes with its values
    if (content === "f32") {
      files.push({ path: tensor.name, data: new Uint8Array((await readF32(reader, ref)).buffer) });
      continue;
    }
    const { values, scales } =
      content === "int8-dynamic" ? await readRounded(reader, ref) : await readQuantized(reader, ref, content);
    const named = weights.find((other) => other.content === "scales" && other.ref.name === ref.name)!;
    files.push({ path: tensor.name, data: values }, { path: named.tensor.name, data: new Uint8Array(scales.buffer) });
  }
  return files;
}

/** @throws FennecError `tensor-not-finite`, and what reading the file throws. */
export async function readF32(reader: WeightReader, ref: WeightRef): Promise<Float32Array<ArrayBuffer>> {
  const { file } = reader;
  const tensor = tensorOf(file, ref);
  const { dequantize } = formatOf(tensor.type);
  const values = new Float32Array(sizeOf(ref));
  let filled = 0;
  for await (const bytes of chunks(reader, tensor)) {
    const part = dequantize(bytes);
    checkFinite(file, tensor, part, filled);
    values.set(part, filled);
    filled += part.length;
  }
  return values;
}

async function readQuantized(reader: WeightReader, ref: WeightRef, form: QuantizedForm) {
  const { file } = reader;
  const tensor = tensorOf(file, ref);
  const { blockWeights } = formatOf(tensor.type);
  const blocks = sizeOf(ref) / blockWeights;
  const valueBytes = (blockWeights * quantizedForms[form].bits) / 8;
  const values = new Uint8Array(blocks * valueBytes);
  const scales = new Float32Array(blocks);
  let block = 0;
  for await (const bytes of chunks(reader, tensor)) {
    const count = bytes.length / formatOf(tensor.type).blockBytes;
    const into = scales.subarray(block, block + count);
    packBlocks(form, bytes, values.subarray(block * valueBytes, (block + count) * valueBytes), into);
    checkFinite(file, tensor, into, block);
    block += count;
  }
  return { values, scales };
}

/**
 * A matrix `[rows, cols]` rounded to 8 bits by a scale per row (the largest value is 127), as `[cols, rows]`.
 * @returns `scales`: `[rows]`.
 */
async function readRounded(reader: WeightReader, ref: WeightRef) {
  const tensor = tensorOf(reader.file, ref);
  const { dequantize } = formatOf(tensor.type);
  const [rows, cols] = ref.shape as readonly [number, number];
  const signed = new Int8Array(rows * cols);
  const scales = new Float32Array(rows);
  const round = (line: Float32Array, row: number) => {
    let largest = 0;
    for (const value of line) largest = Math.max(largest, Math.abs(value));
    const scale = largest / 127;
    scales[row] = scale;
    if (scale > 0) for (let col = 0; col < cols; col++) signed[col * rows + row] = Math.round(line[col]! / scale);
  };
  let rest = new Float32Array(0);
  let row = 0;
  for await (const bytes of chunks(reader, tensor)) {
    const part = dequantize(bytes);
    checkFinite(reader.file, tensor, part, row * cols + rest.length);
    const all = new Float32Array(rest.length + part.length);
    all.set(rest);
    all.set(part, rest.length);
    let at = 0;
    for (; at + cols <= all.length; at += cols) round(all.subarray(at, at + cols), row++);
    rest = all.slice(at);
  }
  return { values: new Uint8Array(signed.buffer), scales };
}

async function* chunks({ signal, tables }: WeightReader, tensor: TensorInfo): AsyncIterable<Uint8Array> {
  const held = tables.get(tensor.name)?.rows;
  const { blockBytes } = formatOf(tensor.type);
  const step = Math.ceil(CHUNK_BYTES / blockBytes) * blockBytes;
  for (let at = 0; at < tensor.bytes; at += step) {
    signal?.throwIfAborted();
    const length = Math.min(step, tensor.bytes - at);
    yield held ? held.subarray(at, at + length) : await tensor.source.read(tensor.offset + at, length, signal);
  }
}

function checkFinite(file: WeightsFile, tensor: TensorInfo, values: Float32Array, from: number): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new FennecError(
      "tensor-not-finite",
      `${file.name}: tensor "${tensor.name}" holds ${values[bad]} in block or element ${from + bad}. The file is ` +
        "damaged; download it again.",
    );
}

/** An embedding table in the file's own bytes; rows are widened when a step needs them. */
export class EmbeddingTable {
  readonly rows: Uint8Array;
  readonly #rowBytes: number;
  readonly #dequantize: (bytes: Uint8Array) => Float32Array;

  /** @throws FennecError `tensor-not-finite`, and what reading the file throws. */
  static async read(reader: WeightReader, ref: WeightRef): Promise<EmbeddingTable> {
    const tensor = tensorOf(reader.file, ref);
    const { dequantize, blockBytes, blockWeights } = formatOf(tensor.type);
    const rows = new Uint8Array(tensor.bytes);
    let at = 0;
    for await (const bytes of chunks(reader, tensor)) {
      checkFinite(reader.file, tensor, dequantize(bytes), (at / blockBytes) * blockWeights);
      rows.set(bytes, at);
      at += bytes.length;
    }
    return new EmbeddingTable(rows, rows.length / ref.shape[0]!, dequantize);
  }

  private constructor(rows: Uint8Array, rowBytes: number, dequantize: (bytes: Uint8Array) => Float32Array) {
    this.rows = rows;
    this.#rowBytes = rowBytes;
    this.#dequantize = dequantize;
  }

  /** Rows `[tokens, width]` times `scale`. */
  lookup(tokens: readonly number[], width: number, scale: number): Float32Array {
    const result = new Float32Array(tokens.length * width);
    tokens.forEach((token, row) => {
      const values = this.#dequantize(this.rows.slice(token * this.#rowBytes, (token + 1) * this.#rowBytes));
      for (let i = 0; i < width; i++) result[row * width + i] = values[i]! * scale;
    });
    return result;
  }
}
