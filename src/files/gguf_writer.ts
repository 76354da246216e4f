// Writes the header of GGUF files: metadata and tensor entries, and where tensors lie. Tensor data is the caller's, who
// streams it after the header; see `padding`.
//
// Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3 (the same layout in little-endian).

import { ggmlTypeByName } from "./ggml_types";
import { DEFAULT_ALIGNMENT } from "./gguf_limits";
import { valueTypeIds } from "./gguf_values";

type ScalarType = Exclude<keyof typeof valueTypeIds, "array">;
type Scalar = number | bigint | boolean | string;
type ScalarList = Iterable<Scalar> & { readonly length: number };

export type GgufValue =
  | { readonly type: ScalarType; readonly value: Scalar }
  | { readonly type: "array"; readonly of: ScalarType; readonly values: ScalarList }
  | { readonly type: "array"; readonly of: "array"; readonly values: readonly GgufValue[] }
  /** Type number and payload as another file has them. */
  | { readonly type: "raw"; readonly bytes: Uint8Array };

/** Short constructors for {@link GgufValue}. */
export const gguf = {
  u32: (value: number): GgufValue => ({ type: "uint32", value }),
  i32: (value: number): GgufValue => ({ type: "int32", value }),
  u64: (value: number | bigint): GgufValue => ({ type: "uint64", value }),
  f32: (value: number): GgufValue => ({ type: "float32", value }),
  bool: (value: boolean): GgufValue => ({ type: "bool", value }),
  string: (value: string): GgufValue => ({ type: "string", value }),
  scalar: (type: ScalarType, value: Scalar): GgufValue => ({ type, value }),
  array: (of: ScalarType, values: ScalarList): GgufValue => ({ type: "array", of, values }),
  arrays: (values: readonly GgufValue[]): GgufValue => ({ type: "array", of: "array", values }),
  raw: (bytes: Uint8Array): GgufValue => ({ type: "raw", bytes }),
};

/** A tensor as the header describes it. */
export interface GgufEntry {
  readonly name: string;
  /** ggml's number. */
  readonly type: number;
  /** Slow axis first. */
  readonly shape: readonly (number | bigint)[];
  /** From the start of the tensor data. */
  readonly offset: number | bigint;
}

export interface GgufHeader {
  /** 3 when absent. */
  readonly version?: number;
  readonly metadata: Iterable<readonly [key: string, value: GgufValue]>;
  readonly tensors: readonly GgufEntry[];
}

/** Bytes of a tensor whose rows are whole blocks. */
export function tensorBytes(type: string, shape: readonly number[]): number {
  const { blockWeights, blockBytes } = known(type);
  return (shape.reduce((a, b) => a * b, 1) / blockWeights) * blockBytes;
}

/** Entries of tensors that follow each other, each at a multiple of `alignment`. */
export function placeEntries(
  tensors: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[],
  alignment: number = DEFAULT_ALIGNMENT,
): (GgufEntry & { readonly offset: number })[] {
  let end = 0;
  return tensors.map(({ name, type, shape }) => {
    const offset = end;
    end += tensorBytes(type, shape);
    end += padding(end, alignment);
    return { name, type: known(type).id, shape, offset };
  });
}

/** Bytes up to the next multiple of `alignment`: they go after the header and after each tensor. */
export function padding(position: number, alignment: number = DEFAULT_ALIGNMENT): number {
  return Math.ceil(position / alignment) * alignment - position;
}

/** Everything before the tensor data, without the padding after it. */
export function ggufHeaderBytes({ version = 3, metadata, tensors }: GgufHeader): Uint8Array<ArrayBuffer> {
  const entries = [...metadata];
  const out = byteWriter();
  out.ascii("GGUF");
  out.u32(version);
  out.u64(tensors.length);
  out.u64(entries.length);
  for (const [key, value] of entries) {
    out.string(key);
    writeValue(out, value);
  }
  for (const { name, type, shape, offset } of tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const extent of shape.toReversed()) out.u64(extent);
    out.u32(type);
    out.u64(offset);
  }
  return out.finish();
}

function known(type: string) {
  const found = ggmlTypeByName(type);
  if (!found) throw new Error(`No ggml type is called ${type}.`);
  return found;
}

function writeValue(out: ByteWriter, value: GgufValue): void {
  if (value.type !== "raw") out.u32(valueTypeIds[value.type]);
  writePayload(out, value);
}

function writePayload(out: ByteWriter, value: GgufValue): void {
  if (value.type === "raw") {
    out.raw(value.bytes);
    return;
  }
  if (value.type !== "array") {
    writeScalar(out, value.type, value.value);
    return;
  }
  out.u32(valueTypeIds[value.of]);
  out.u64(value.values.length);
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
    u64: (value: number | bigint): void => out.number(8, (v, at) => v.setBigUint64(at, BigInt(value), true)),
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
