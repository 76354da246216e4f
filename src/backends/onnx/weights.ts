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
    const { values, scales } = await readQuantized(reader, ref, content);
    const named = weights.find((other) => other.content === "scales" && other.ref.name === ref.name)!;
    files.push({ path: tensor.name, data: values }, { path: named.tensor.name, data: new Uint8Array(scales.buffer) });
  }
  return files;
}

/** @throws FennecError `tensor-not-finite`, and what reading the file throws. */
export async function readF32({ file, signal }: WeightReader, ref: WeightRef): Promise<Float32Array<ArrayBuffer>> {
  const tensor = tensorOf(file, ref);
  const { dequantize } = formatOf(tensor.type);
  const values = new Float32Array(sizeOf(ref));
  let filled = 0;
  for await (const bytes of chunks(tensor, signal)) {
    const part = dequantize(bytes);
    checkFinite(file, tensor, part, filled);
    values.set(part, filled);
    filled += part.length;
  }
  return values;
}

async function readQuantized({ file, signal }: WeightReader, ref: WeightRef, form: QuantizedForm) {
  const tensor = tensorOf(file, ref);
  const { blockWeights } = formatOf(tensor.type);
  const blocks = sizeOf(ref) / blockWeights;
  const valueBytes = (blockWeights * quantizedForms[form].bits) / 8;
  const values = new Uint8Array(blocks * valueBytes);
  const scales = new Float32Array(blocks);
  let block = 0;
  for await (const bytes of chunks(tensor, signal)) {
    const count = bytes.length / formatOf(tensor.type).blockBytes;
    const into = scales.subarray(block, block + count);
    packBlocks(form, bytes, values.subarray(block * valueBytes, (block + count) * valueBytes), into);
    checkFinite(file, tensor, into, block);
    block += count;
  }
  return { values, scales };
}

async function* chunks(tensor: TensorInfo, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  const { blockBytes } = formatOf(tensor.type);
  const step = Math.ceil(CHUNK_BYTES / blockBytes) * blockBytes;
  for (let at = 0; at < tensor.bytes; at += step) {
    signal?.throwIfAborted();
    yield await tensor.source.read(tensor.offset + at, Math.min(step, tensor.bytes - at), signal);
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
  readonly bytes: number;
  readonly #rows: Uint8Array;
  readonly #rowBytes: number;
  readonly #dequantize: (bytes: Uint8Array) => Float32Array;
  readonly #check: (values: Float32Array, row: number) => void;

  static async read({ file, signal }: WeightReader, ref: WeightRef): Promise<EmbeddingTable> {
    const tensor = tensorOf(file, ref);
    const rows = new Uint8Array(tensor.bytes);
    let at = 0;
    for await (const bytes of chunks(tensor, signal)) {
      rows.set(bytes, at);
      at += bytes.length;
    }
    return new EmbeddingTable(file, tensor, rows);
  }

  private constructor(file: WeightsFile, tensor: TensorInfo, rows: Uint8Array) {
    this.bytes = rows.length;
    this.#rows = rows;
    this.#rowBytes = rows.length / tensor.shape[0]!;
    this.#dequantize = formatOf(tensor.type).dequantize;
    const width = tensor.shape[1]!;
    this.#check = (values, row) => checkFinite(file, tensor, values, row * width);
  }

  /** Rows `[tokens, width]` times `scale`. @throws FennecError `tensor-not-finite`. */
  lookup(tokens: readonly number[], width: number, scale: number): Float32Array {
    const result = new Float32Array(tokens.length * width);
    tokens.forEach((token, row) => {
      const values = this.#dequantize(this.#rows.subarray(token * this.#rowBytes, (token + 1) * this.#rowBytes));
      this.#check(values, token);
      for (let i = 0; i < width; i++) result[row * width + i] = values[i]! * scale;
    });
    return result;
  }
}
