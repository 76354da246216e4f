// Reads the header of a safetensors file: where each tensor's bytes lie. Never reads tensor data, and knows nothing of
// models: which tensor means what is the business of hf/.
//
// Source: the safetensors format (huggingface/safetensors, README): 8 bytes little-endian header length, a JSON object
// of `name: {dtype, shape, data_offsets}` and optionally `__metadata__`, then the data, without holes.

import { FennecError } from "../errors";
import { decodeUtf8, field, isObject, type Json, parseJsonObject, refuseDuplicateKeys } from "./json";
import { quoted } from "./quoted";
import {
  MAX_SAFETENSORS_AXES,
  MAX_SAFETENSORS_HEADER_BYTES,
  MAX_SAFETENSORS_NAME,
  MAX_SAFETENSORS_TENSORS,
  MIN_SAFETENSORS_ENTRY_BYTES,
} from "./safetensors_limits";
import type { ByteSource } from "./weights_file";

/** Bytes of one value, by dtype as the format spells it. Types below a byte (F4, F6) are not among them. */
export const SAFETENSORS_DTYPES: ReadonlyMap<string, number> = new Map([
  ["F64", 8],
  ["F32", 4],
  ["F16", 2],
  ["BF16", 2],
  ["F8_E4M3", 1],
  ["F8_E5M2", 1],
  ["F8_E8M0", 1],
  ["I64", 8],
  ["I32", 4],
  ["I16", 2],
  ["I8", 1],
  ["U64", 8],
  ["U32", 4],
  ["U16", 2],
  ["U8", 1],
  ["BOOL", 1],
]);

export interface SafeTensor {
  readonly name: string;
  /** As the format spells it: `BF16`. */
  readonly dtype: string;
  /** Slow axis first; empty for a single number. */
  readonly shape: readonly number[];
  /** Absolute byte range in `source`. */
  readonly offset: number;
  readonly bytes: number;
  readonly source: ByteSource;
}

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

/**
 * The tensors of one file, in the order of its header. The source stays the caller's.
 *
 * @throws FennecError `file-corrupt`, `file-truncated`, `file-unsupported` (a dtype), and whatever the source throws.
 */
export async function readSafetensors(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, SafeTensor>> {
  const length = await headerLength(source, signal);
  const header = await source.read(LENGTH_BYTES, length, signal);
  const text = decodeUtf8(source.name, header);
  const object = parseJsonObject(source.name, text);
  refuseDuplicateKeys(source.name, text);
  const names = Object.keys(object).filter((name) => name !== METADATA);
  const most = Math.min(MAX_SAFETENSORS_TENSORS, Math.ceil(length / MIN_SAFETENSORS_ENTRY_BYTES) + 1);
  if (names.length > most) {
    throw new FennecError(
      "file-corrupt",
      `${source.name}: names ${names.length} tensors; at most ${most} are possible.`,
    );
  }
  const tensors = new Map<string, SafeTensor>();
  for (const name of names) tensors.set(name, tensorOf(source, LENGTH_BYTES + length, name, object[name]));
  refuseOverlap(source.name, tensors);
  return tensors;
}

async function headerLength(source: ByteSource, signal: AbortSignal | undefined): Promise<number> {
  if (source.size < LENGTH_BYTES) {
    throw new FennecError("file-truncated", `${source.name}: is only ${source.size} bytes long.`);
  }
  const head = await source.read(0, LENGTH_BYTES, signal);
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  if (length > MAX_SAFETENSORS_HEADER_BYTES) {
    throw new FennecError(
      "file-corrupt",
      `${source.name}: claims a header of ${length} bytes; at most ${MAX_SAFETENSORS_HEADER_BYTES} are possible. ` +
        "It is not a safetensors file, or it was damaged.",
    );
  }
  if (Number(length) > source.size - LENGTH_BYTES) throw truncated(source, LENGTH_BYTES + Number(length), "the header");
  return Number(length);
}

function tensorOf(source: ByteSource, dataStart: number, name: string, entry: Json | undefined): SafeTensor {
  const where = `${source.name}: tensor ${quoted(name)}`;
  if (name === "" || name.length > MAX_SAFETENSORS_NAME) {
    throw new FennecError("file-corrupt", `${where}: a name has 1 to ${MAX_SAFETENSORS_NAME} characters.`);
  }
  if (!isObject(entry)) throw new FennecError("file-corrupt", `${where}: has no description.`);
  const dtype = field(entry, "dtype");
  if (typeof dtype !== "string") throw new FennecError("file-corrupt", `${where}: has no dtype.`);
  const valueBytes = SAFETENSORS_DTYPES.get(dtype);
  if (valueBytes === undefined) {
    throw new FennecError(
      "file-unsupported",
      `${where}: has the dtype ${quoted(dtype)}; this version reads ${[...SAFETENSORS_DTYPES.keys()].join(", ")}.`,
    );
  }
  const shape = shapeOf(where, field(entry, "shape"));
  const bytes = shape.reduce((product, extent) => product * extent, valueBytes);
  const [begin, end] = offsetsOf(where, field(entry, "data_offsets"));
  if (end - begin !== bytes) {
    throw new FennecError(
      "file-corrupt",
      `${where}: [${shape.join(", ")}] in ${dtype} takes ${bytes} bytes, but the header gives it ${end - begin}.`,
    );
  }
  if (dataStart + end > source.size) throw truncated(source, dataStart + end, `tensor ${quoted(name)}`);
  return { name, dtype, shape, offset: dataStart + begin, bytes, source };
}

function shapeOf(where: string, value: Json | undefined): readonly number[] {
  if (!Array.isArray(value) || value.length > MAX_SAFETENSORS_AXES) {
    throw new FennecError("file-corrupt", `${where}: its shape is no list of up to ${MAX_SAFETENSORS_AXES} axes.`);
  }
  const shape = value as readonly Json[];
  const size = shape.reduce<number>((product, extent) => product * (isCount(extent) ? extent : Number.NaN), 1);
  if (Number.isSafeInteger(size * 8)) return shape as readonly number[];
  throw new FennecError("file-corrupt", `${where}: its shape holds no possible number of values.`);
}

function offsetsOf(where: string, value: Json | undefined): readonly [number, number] {
  const [begin, end, more] = Array.isArray(value) ? (value as readonly Json[]) : [];
  if (isCount(begin) && isCount(end) && more === undefined && begin <= end) return [begin, end];
  throw new FennecError("file-corrupt", `${where}: its data_offsets are no [begin, end].`);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function refuseOverlap(name: string, tensors: ReadonlyMap<string, SafeTensor>): void {
  const sorted = [...tensors.values()].filter(({ bytes }) => bytes > 0).sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    const after = sorted[i]!;
    if (before.offset + before.bytes <= after.offset) continue;
    throw new FennecError(
      "file-corrupt",
      `${name}: tensor ${quoted(before.name)} ends at byte ${before.offset + before.bytes}, ` +
        `but tensor ${quoted(after.name)} begins at ${after.offset}: they overlap.`,
    );
  }
}

function truncated(source: ByteSource, end: number, what: string): FennecError {
  return new FennecError(
    "file-truncated",
    `${source.name}: ${what} should end at byte ${end}, but the file ends at ${source.size}. ` +
      "The download or copy was probably cut short; fetch the file again.",
  );
}
