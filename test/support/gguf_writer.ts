// Writes GGUF files for tests: to memory, to a Blob, or in pieces to any sink, so that a file of hundreds of megabytes
// never exists in memory. Also writes what no honest writer would: wrong counts, offsets and lengths.
//
// Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3 (the same layout in little-endian).

import { ggmlTypeByName } from "../../src/files/ggml_types";
import { valueTypeIds } from "../../src/files/gguf_values";

type ScalarType = Exclude<keyof typeof valueTypeIds, "array">;
type Scalar = number | bigint | boolean | string;

export type GgufValue =
  | { readonly type: ScalarType; readonly value: Scalar }
  | { readonly type: "array"; readonly of: ScalarType; readonly values: Iterable<Scalar> & { readonly length: number } }
  | { readonly type: "array"; readonly of: "array"; readonly values: readonly GgufValue[] };

/** Short constructors for {@link GgufValue}. */
export const gguf = {
  u32: (value: number): GgufValue => ({ type: "uint32", value }),
  i32: (value: number): GgufValue => ({ type: "int32", value }),
  u64: (value: number | bigint): GgufValue => ({ type: "uint64", value }),
  f32: (value: number): GgufValue => ({ type: "float32", value }),
  bool: (value: boolean): GgufValue => ({ type: "bool", value }),
  string: (value: string): GgufValue => ({ type: "string", value }),
  scalar: (type: ScalarType, value: Scalar): GgufValue => ({ type, value }),
  array: (of: ScalarType, values: Iterable<Scalar> & { readonly length: number }): GgufValue => ({
    type: "array",
    of,
    values,
  }),
  arrays: (values: readonly GgufValue[]): GgufValue => ({ type: "array", of: "array", values }),
};

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

/** Bytes of a tensor of this type and shape. */
export function tensorBytes(type: string, shape: readonly number[]): number {
  const found = ggmlTypeByName(type);
  if (!found) throw new Error(`No ggml type is called ${type}.`);
  return (shape.reduce((a, b) => a * b, 1) / found.blockWeights) * found.blockBytes;
}

/** The file in pieces, in order. */
export function* ggufChunks(file: GgufFile): Generator<Uint8Array<ArrayBuffer>> {
  const alignment = file.alignment ?? 32;
  const header = ggufHeader(file);
  yield header;
  let position = header.length;
  for (const tensor of file.tensors) {
    const padding = padTo(position, alignment) - position;
    yield new Uint8Array(padding);
    position += padding;
    const end = position + tensorBytes(tensor.type, tensor.shape);
    for (const piece of tensor.data()) {
      yield piece;
      position += piece.length;
    }
    if (position !== end) throw new Error(`${tensor.name}: the data ends at ${position}, expected ${end}.`);
  }
  yield new Uint8Array(padTo(position, alignment) - position);
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
  const alignment = file.alignment ?? 32;
  const metadata = file.alignment ? { ...file.metadata, "general.alignment": gguf.u32(file.alignment) } : file.metadata;
  const entries = Object.entries(metadata);
  const out = byteWriter();
  out.ascii(file.claim?.magic ?? "GGUF");
  out.u32(file.version ?? 3);
  out.u64(file.claim?.tensorCount ?? BigInt(file.tensors.length));
  out.u64(file.claim?.metadataCount ?? BigInt(entries.length));
  for (const [key, value] of entries) {
    out.string(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const { name, type, shape, claim } of file.tensors) {
    out.string(name);
    const extents = claim?.shape ?? shape.map(BigInt);
    out.u32(extents.length);
    for (const extent of extents.toReversed()) out.u64(extent);
    out.u32(claim?.type ?? ggmlTypeByName(type)!.id);
    out.u64(BigInt(claim?.offset ?? offset));
    offset = padTo(offset + tensorBytes(type, shape), alignment);
  }
  return out.finish();
}

function writeValue(out: ByteWriter, value: GgufValue): void {
  out.u32(valueTypeIds[value.type]);
  writePayload(out, value);
}

function writePayload(out: ByteWriter, value: GgufValue): void {
  if (value.type !== "array") {
    writeScalar(out, value.type, value.value);
    return;
  }
  out.u32(valueTypeIds[value.of]);
  out.u64(BigInt(value.values.length));
  if (value.of === "array") for (const item of value.values) writePayload(out, item);
  else for (const item of value.values) writeScalar(out, value.of, item);
}

function writeScalar(out: ByteWriter, type: ScalarType, value: Scalar): void {
  if (type === "string") {
    out.string(String(value));
    return;
  }
  const size =
    { bool: 1, uint8: 1, int8: 1, uint16: 2, int16: 2, uint32: 4, int32: 4, float32: 4 }[type as string] ?? 8;
  out.number(size, (view, at) => {
    if (type === "float32") view.setFloat32(at, Number(value), true);
    else if (type === "float64") view.setFloat64(at, Number(value), true);
    else if (size === 8) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    else if (size === 4) view.setUint32(at, Number(value), true);
    else if (size === 2) view.setUint16(at, Number(value), true);
    else view.setUint8(at, Number(value));
  });
}

type ByteWriter = ReturnType<typeof byteWriter>;

/** A growing little-endian buffer. */
function byteWriter() {
  let bytes = new Uint8Array(1 << 16);
  let view = new DataView(bytes.buffer);
  let length = 0;
  const utf8 = new TextEncoder();

  function room(more: number): number {
    if (length + more > bytes.length) {
      const grown = new Uint8Array(Math.max(bytes.length * 2, length + more));
      grown.set(bytes);
      bytes = grown;
      view = new DataView(bytes.buffer);
    }
    length += more;
    return length - more;
  }
  const out = {
    number(size: number, set: (view: DataView, at: number) => void): void {
      const at = room(size);
      set(view, at);
    },
    u32: (value: number): void => out.number(4, (v, at) => v.setUint32(at, value, true)),
    u64: (value: bigint): void => out.number(8, (v, at) => v.setBigUint64(at, value, true)),
    raw(more: Uint8Array): void {
      const at = room(more.length);
      bytes.set(more, at);
    },
    ascii: (text: string): void => out.raw(utf8.encode(text)),
    string(text: string): void {
      const encoded = utf8.encode(text);
      out.u64(BigInt(encoded.length));
      out.raw(encoded);
    },
    finish: (): Uint8Array<ArrayBuffer> => bytes.slice(0, length),
  };
  return out;
}

function padTo(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
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
