// Whole GGUF files for tests: in memory, as a Blob, or in pieces to any sink, so that a file of hundreds of megabytes
// never exists in memory. Also what no honest writer would write: wrong counts, offsets and lengths.

import { type GgufValue, gguf, ggufHeaderBytes, padding, placeEntries, tensorBytes } from "../../src/files/gguf_writer";

export { type GgufValue, gguf, tensorBytes };

export interface GgufTensor {
  readonly name: string;
  /** As ggml spells it: `F16`. */
  readonly type: string;
  /** Slow axis first, as in `TensorInfo`. */
  readonly shape: readonly number[];
  /** The tensor's bytes, in pieces of any size; made when they are written. */
  readonly data: () => Iterable<Uint8Array<ArrayBuffer>>;
  /** Lies told about this tensor in the header. */
  readonly claim?: { readonly offset?: number | bigint; readonly type?: number; readonly shape?: readonly bigint[] };
}

export interface GgufFile {
  /** 3 when absent. */
  readonly version?: number;
  /** 32 when absent; otherwise also written as `general.alignment`. */
  readonly alignment?: number;
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
  /** Lies told about the whole file. */
  readonly claim?: { readonly magic?: string; readonly tensorCount?: bigint; readonly metadataCount?: bigint };
}

/** The file in pieces, in order. */
export function* ggufChunks(file: GgufFile): Generator<Uint8Array<ArrayBuffer>> {
  const alignment = file.alignment ?? 32;
  const header = ggufHeader(file);
  yield header;
  let position = header.length;
  for (const tensor of file.tensors) {
    const gap = padding(position, alignment);
    yield new Uint8Array(gap);
    position += gap;
    const end = position + tensorBytes(tensor.type, tensor.shape);
    for (const piece of tensor.data()) {
      yield piece;
      position += piece.length;
    }
    if (position !== end) throw new Error(`${tensor.name}: the data ends at ${position}, expected ${end}.`);
  }
  yield new Uint8Array(padding(position, alignment));
}

/** The whole file in memory. */
export function ggufBytes(file: GgufFile): Uint8Array<ArrayBuffer> {
  return concat([...ggufChunks(file)]);
}

/** The whole file as a Blob, which browsers may keep on disk. */
export function ggufBlob(file: GgufFile): Blob {
  const parts: Blob[] = [];
  for (const piece of ggufChunks(file)) parts.push(new Blob([piece]));
  return new Blob(parts);
}

/** Everything before the tensor data, without the padding after it. */
export function ggufHeader(file: GgufFile): Uint8Array<ArrayBuffer> {
  const metadata = file.alignment ? { ...file.metadata, "general.alignment": gguf.u32(file.alignment) } : file.metadata;
  const tensors = placeEntries(file.tensors, file.alignment).map((entry, i) => ({
    ...entry,
    ...file.tensors[i]!.claim,
  }));
  const header = ggufHeaderBytes({
    ...(file.version !== undefined && { version: file.version }),
    metadata: Object.entries(metadata),
    tensors,
  });
  const view = new DataView(header.buffer);
  const { magic, tensorCount, metadataCount } = file.claim ?? {};
  if (magic !== undefined) header.set(new TextEncoder().encode(magic));
  if (tensorCount !== undefined) view.setBigUint64(8, tensorCount, true);
  if (metadataCount !== undefined) view.setBigUint64(16, metadataCount, true);
  return header;
}

function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
