// Metadata values of GGUF: thirteen types, arrays of any of them, arrays of arrays. Numbers that a double holds exactly
// become numbers; other 64-bit integers stay bigint.
//
// Source: the GGUF specification (ggml, docs/gguf.md), `gguf_metadata_value_type`.

import { FennecError } from "../errors";
import { MAX_ARRAY_DEPTH, MAX_ARRAY_LENGTH, MAX_STRING_BYTES } from "./gguf_limits";
import type { HeaderCursor } from "./header_cursor";
import { quoted } from "./quoted";
import type { MetadataValue } from "./weights_file";

// `key` is the key in quotes, for messages, in all of this file.

/** `minBytes` is the least that one element takes in the file: the bound of an array's claimed length. */
interface ValueType {
  readonly minBytes: number;
  readonly read: (cursor: HeaderCursor, key: string) => MetadataValue;
  readonly typed?: (buffer: ArrayBuffer) => MetadataValue;
}

const ARRAY = 9;

export const valueTypeIds = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: ARRAY,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

// Typed arrays take the bytes as they are: the platforms that have WebGPU are all little-endian.
const valueTypes: ReadonlyMap<number, ValueType> = new Map<number, ValueType>([
  [valueTypeIds.uint8, { minBytes: 1, read: (c) => c.u8(), typed: (b) => new Uint8Array(b) }],
  [valueTypeIds.int8, { minBytes: 1, read: (c) => c.i8(), typed: (b) => new Int8Array(b) }],
  [valueTypeIds.uint16, { minBytes: 2, read: (c) => c.u16(), typed: (b) => new Uint16Array(b) }],
  [valueTypeIds.int16, { minBytes: 2, read: (c) => c.i16(), typed: (b) => new Int16Array(b) }],
  [valueTypeIds.uint32, { minBytes: 4, read: (c) => c.u32(), typed: (b) => new Uint32Array(b) }],
  [valueTypeIds.int32, { minBytes: 4, read: (c) => c.i32(), typed: (b) => new Int32Array(b) }],
  [valueTypeIds.float32, { minBytes: 4, read: (c) => c.f32(), typed: (b) => new Float32Array(b) }],
  [valueTypeIds.bool, { minBytes: 1, read: readBool }],
  [valueTypeIds.string, { minBytes: 8, read: (c, key) => c.string(key, MAX_STRING_BYTES) }],
  [valueTypeIds.uint64, { minBytes: 8, read: (c) => exact(c.u64()) }],
  [valueTypeIds.int64, { minBytes: 8, read: (c) => exact(c.i64()) }],
  [valueTypeIds.float64, { minBytes: 8, read: (c) => c.f64(), typed: (b) => new Float64Array(b) }],
]);

/** Reads a value's type number and the value. */
export function readValue(cursor: HeaderCursor, name: string): MetadataValue {
  const key = quoted(name);
  const at = cursor.position;
  const id = cursor.u32();
  return id === ARRAY ? readArray(cursor, key, { elements: 0 }, 1) : typeOf(id, cursor, key, at).read(cursor, key);
}

function readArray(cursor: HeaderCursor, key: string, budget: { elements: number }, depth: number): MetadataValue {
  if (depth > MAX_ARRAY_DEPTH) {
    throw new FennecError(
      "file-corrupt",
      `${cursor.name}: ${key} holds arrays in arrays more than ${MAX_ARRAY_DEPTH} deep. The file is damaged.`,
    );
  }
  const at = cursor.position;
  const id = cursor.u32();
  const length = cursor.count(`the array length of ${key}`, MAX_ARRAY_LENGTH - budget.elements);
  budget.elements += length;

  if (id === ARRAY) return repeat(cursor, length, ARRAY_MIN_BYTES, () => readArray(cursor, key, budget, depth + 1));
  const type = typeOf(id, cursor, key, at);
  if (type.typed) return type.typed(cursor.copy(length * type.minBytes));
  return repeat(cursor, length, type.minBytes, () => type.read(cursor, key));
}

/** An array in an array: type number and length. */
const ARRAY_MIN_BYTES = 12;

function repeat(
  cursor: HeaderCursor,
  length: number,
  minBytes: number,
  read: () => MetadataValue,
): readonly MetadataValue[] {
  cursor.ensure(length * minBytes);
  const values: MetadataValue[] = [];
  for (let i = 0; i < length; i++) values.push(read());
  return values;
}

function typeOf(id: number, cursor: HeaderCursor, key: string, at: number): ValueType {
  const type = valueTypes.get(id);
  if (type) return type;
  throw new FennecError(
    "file-corrupt",
    `${cursor.name}: ${key} at byte ${at} has the value type ${id}; GGUF defines 0 to 12. The file is damaged.`,
  );
}

function readBool(cursor: HeaderCursor, key: string): boolean {
  const at = cursor.position;
  const byte = cursor.u8();
  if (byte <= 1) return byte === 1;
  throw new FennecError(
    "file-corrupt",
    `${cursor.name}: ${key} at byte ${at} is ${byte}; a boolean is 0 or 1. The file is damaged.`,
  );
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
