// A model file in another weight type: GGUF bytes made from any WeightsFile, piece by piece. Memory holds one piece and
// the header. Quantizers, one file per type, are in this folder too; an engine has only the two that src/hugging_face uses.

import { formatOf } from "../../kernels/quant/index";
import { FennecError } from "../errors";
import { ggufHeaderBytes, padding, placeEntries, tensorBytes } from "../files/gguf_writer";
import type { TensorInfo, WeightsFile } from "../files/weights_file";
import { chooseTypes, type KeepRule, type PlannedTensor } from "./choose";
import { metadataOf } from "./metadata";
import type { Quantizer } from "./quantizer";

export type { KeepRule } from "./choose";

export interface QuantizeOptions {
  /** As ggml spells it: `Q4_K`. */
  readonly type: string;
  /** Other types for some tensors. */
  readonly keep?: readonly KeepRule[];
  /** Called when a tensor is done. */
  readonly onTensor?: (tensor: TensorReport) => void;
  readonly onProgress?: (progress: QuantizeProgress) => void;
  readonly signal?: AbortSignal;
}

/** Errors are of the new weights against those of the file; 0 where the bytes were copied. */
export interface TensorReport {
  readonly name: string;
  readonly shape: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly fromBytes: number;
  readonly toBytes: number;
  /** Root mean square. */
  readonly rmse: number;
  readonly maxError: number;
}

export interface QuantizeProgress {
  readonly tensor: string;
  readonly weightsDone: number;
  readonly weightsTotal: number;
}

export interface Quantization {
  /** Size of the new file. */
  readonly bytes: number;
  /** The new file, in order. Read it once. */
  readonly pieces: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Weights that are read, converted and written at a time. */
const PIECE_WEIGHTS = 1 << 18;

/**
 * @param file Stays the caller's; not to be disposed before the last piece.
 * @throws FennecError `invalid-argument` for a type or rule that does not fit, `file-unsupported` for a type that cannot
 *   be read. While the pieces are read also `tensor-not-finite`, `aborted` and whatever the source throws.
 *
 * @example
 * const { pieces } = await quantizeModel(file, { type: "Q4_K" });
 * for await (const piece of pieces) await handle.write(piece);
 */
export async function quantizeModel(file: WeightsFile, options: QuantizeOptions): Promise<Quantization> {
  const planned = chooseTypes(file, options.type, options.keep ?? []);
  const metadata = await metadataOf(file, options.type, options.signal);
  const placed = planned.map(({ info: { name, shape }, type }) => ({ name, shape, type }));
  const header = ggufHeaderBytes({ metadata, tensors: placeEntries(placed) });
  const padded = (bytes: number): number => bytes + padding(bytes);
  const data = placed.reduce((sum, { type, shape }) => sum + padded(tensorBytes(type, shape)), 0);
  return { bytes: padded(header.length) + data, pieces: write(header, planned, options) };
}

async function* write(
  header: Uint8Array<ArrayBuffer>,
  planned: readonly PlannedTensor[],
  { onTensor, onProgress, signal }: QuantizeOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield header;
  yield new Uint8Array(padding(header.length));
  const weightsTotal = planned.reduce((sum, { info }) => sum + weightsOf(info), 0);
  let before = 0;
  for (const { info, quantizer, type } of planned) {
    const errors = { squares: 0, max: 0 };
    let toBytes = 0;
    let weights = 0;
    const pieces = quantizer ? converted(info, quantizer, errors, signal) : copied(info, signal);
    for await (const piece of pieces) {
      yield piece.bytes;
      toBytes += piece.bytes.length;
      weights += piece.weights;
      onProgress?.({ tensor: info.name, weightsDone: before + weights, weightsTotal });
    }
    yield new Uint8Array(padding(toBytes));
    before += weightsOf(info);
    onTensor?.({
      name: info.name,
      shape: info.shape,
      from: info.type,
      to: type,
      fromBytes: info.bytes,
      toBytes,
      rmse: Math.sqrt(errors.squares / weightsOf(info)),
      maxError: errors.max,
    });
  }
}

interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly weights: number;
}

async function* copied(info: TensorInfo, signal?: AbortSignal): AsyncGenerator<Piece> {
  const weightsPerByte = weightsOf(info) / info.bytes;
  for await (const bytes of info.source.stream(info.offset, info.bytes, signal)) {
    yield { bytes, weights: bytes.length * weightsPerByte };
  }
}

async function* converted(
  info: TensorInfo,
  quantizer: Quantizer,
  errors: { squares: number; max: number },
  signal?: AbortSignal,
): AsyncGenerator<Piece> {
  const from = formatOf(info.type);
  const to = formatOf(quantizer.type);
  // All block sizes divide this, and rows hold whole blocks, so that no piece cuts one.
  const pieceBytes = (PIECE_WEIGHTS / from.blockWeights) * from.blockBytes;
  for (let at = 0; at < info.bytes; at += pieceBytes) {
    const length = Math.min(pieceBytes, info.bytes - at);
    const values = from.dequantize(await info.source.read(info.offset + at, length, signal));
    checkFinite(info, values, (at / from.blockBytes) * from.blockWeights, "is");
    const bytes = quantizer.quantize(values);
    const back = to.dequantize(bytes);
    checkFinite(info, back, (at / from.blockBytes) * from.blockWeights, `in ${quantizer.type} would be`);
    for (let i = 0; i < values.length; i++) {
      const error = Math.abs(back[i]! - values[i]!);
      errors.squares += error * error;
      if (error > errors.max) errors.max = error;
    }
    yield { bytes, weights: values.length };
  }
}

function checkFinite({ name }: TensorInfo, values: Float32Array, first: number, verb: string): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new FennecError(
      "tensor-not-finite",
      `${name}: weight ${first + i} ${verb} ${values[i]}. ` +
        (verb === "is" ? "The file is damaged, or its training went wrong." : `Keep this tensor: --keep ${name}=F32`),
    );
  }
}

function weightsOf({ shape }: TensorInfo): number {
  return shape.reduce((a, b) => a * b, 1);
}
