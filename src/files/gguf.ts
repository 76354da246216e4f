// Reads the header of a GGUF file: metadata, and where each tensor's bytes lie. Never reads tensor data. Every claim of
// the header is checked against the limits of gguf_limits.ts and the file's size before it is believed.
//
// Source: the GGUF specification (ggml, docs/gguf.md), versions 2 and 3, little-endian.

import { FennecError } from "../errors";
import {
  DEFAULT_ALIGNMENT,
  MAX_ALIGNMENT,
  MAX_HEADER_BYTES,
  MAX_KEY_BYTES,
  MAX_METADATA_COUNT,
  MAX_TENSOR_COUNT,
} from "./gguf_limits";
import { placeTensors, readTensorEntry, type TensorEntry } from "./gguf_tensors";
import { readValue } from "./gguf_values";
import { HeaderCursor } from "./header_cursor";
import { describeValue, quoted } from "./quoted";
import type { ByteSource, MetadataValue, WeightsFile } from "./weights_file";

/** "GGUF", read as a little-endian number. */
export const GGUF_MAGIC = 0x46554747;

/** Least bytes of a metadata entry (key length, type, one byte) and of a tensor entry, to bound the claimed counts. */
const MIN_METADATA_BYTES = 8 + 4 + 1;
const MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8;

/**
 * Takes the source over: `dispose` of the result disposes it. On failure the source is left open.
 *
 * @throws FennecError `file-corrupt`, `file-truncated`, `file-unsupported` (version, byte order, a removed or unknown
 *   weight type, one part of a split model), and whatever the source throws.
 */
export async function openGguf(source: ByteSource, signal?: AbortSignal): Promise<WeightsFile> {
  const file = await openGgufPart(source, signal);
  refuseSplit(source.name, file.metadata);
  return file;
}

/** Like {@link openGguf}, but one part of a split model is fine too; see gguf_split.ts. */
export async function openGgufPart(source: ByteSource, signal?: AbortSignal): Promise<WeightsFile> {
  const cursor = new HeaderCursor(source, MAX_HEADER_BYTES, signal);
  const { tensorCount, metadataCount } = await cursor.entry(readPreamble);

  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < metadataCount; i++) {
    const [key, value] = await cursor.entry(readMetadataEntry);
    if (metadata.has(key)) {
      throw new FennecError("file-corrupt", `${source.name}: the metadata key ${quoted(key)} appears twice.`);
    }
    metadata.set(key, value);
  }
  const alignment = alignmentOf(source.name, metadata);

  const entries: TensorEntry[] = [];
  for (let i = 0; i < tensorCount; i++) entries.push(await cursor.entry(readTensorEntry));
  const tensors = placeTensors(source, entries, cursor.position, alignment);

  return {
    format: "gguf",
    name: source.name,
    metadata,
    tensors,
    bytes: source.size,
    dispose: () => source.dispose(),
  };
}

/** Reads magic, version and counts. */
export function readPreamble(cursor: HeaderCursor): { tensorCount: number; metadataCount: number } {
  const magic = cursor.u32();
  if (magic !== GGUF_MAGIC) {
    throw new FennecError("file-corrupt", `${cursor.name}: does not begin with "GGUF"; it is not a GGUF file.`);
  }
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw unsupportedVersion(cursor.name, version);

  const tensorCount = cursor.count("the number of tensors", MAX_TENSOR_COUNT);
  const metadataCount = cursor.count("the number of metadata entries", MAX_METADATA_COUNT);
  const least = tensorCount * MIN_TENSOR_BYTES + metadataCount * MIN_METADATA_BYTES;
  if (least > cursor.remaining) {
    throw new FennecError(
      "file-truncated",
      `${cursor.name}: claims ${tensorCount} tensors and ${metadataCount} metadata entries, at least ${least} bytes, ` +
        `but only ${cursor.remaining} follow. The download or copy was probably cut short; fetch the file again.`,
    );
  }
  return { tensorCount, metadataCount };
}

function unsupportedVersion(name: string, version: number): FennecError {
  const bigEndian = version === 0x02000000 || version === 0x03000000;
  const found = bigEndian ? `GGUF version ${version >>> 24} in big-endian byte order` : `GGUF version ${version}`;
  const advice = version === 1 ? "Convert the model again with a current converter." : "Use a little-endian file.";
  return new FennecError(
    "file-unsupported",
    `${name}: is ${found}; versions 2 and 3 in little-endian order can be read. ` +
      (bigEndian || version === 1 ? advice : "It was written for a newer version of this package, or is damaged."),
  );
}

function readMetadataEntry(cursor: HeaderCursor): readonly [string, MetadataValue] {
  const key = readKey(cursor);
  return [key, readValue(cursor, key)];
}

export function readKey(cursor: HeaderCursor): string {
  const key = cursor.string("a metadata key", MAX_KEY_BYTES, true);
  if (key === "") throw new FennecError("file-corrupt", `${cursor.name}: a metadata key is empty.`);
  return key;
}

function refuseSplit(name: string, metadata: ReadonlyMap<string, MetadataValue>): void {
  const parts = metadata.get("split.count");
  if (typeof parts === "number" && parts > 1) {
    throw new FennecError(
      "file-unsupported",
      `${name}: is one of ${parts} parts of a split model, and its name does not lead to the others. ` +
        `Keep names like model-00001-of-${String(parts).padStart(5, "0")}.gguf; choose all parts together in a page.`,
    );
  }
}

function alignmentOf(name: string, metadata: ReadonlyMap<string, MetadataValue>): number {
  const value = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (typeof value === "number" && value >= 1 && value <= MAX_ALIGNMENT && Number.isInteger(Math.log2(value))) {
    return value;
  }
  throw new FennecError(
    "file-corrupt",
    `${name}: "general.alignment" is ${describeValue(value)}; a power of two up to ${MAX_ALIGNMENT} is expected.`,
  );
}
