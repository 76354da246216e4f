// The metadata of a GGUF file as bytes, for writing it to another file exactly as it was: number types and arrays
// included, which `WeightsFile.metadata` does not tell.

import { readKey, readPreamble } from "./gguf";
import { MAX_HEADER_BYTES } from "./gguf_limits";
import { readValue } from "./gguf_values";
import { HeaderCursor } from "./header_cursor";
import type { ByteSource } from "./weights_file";

/**
 * Type number and payload of each value, by key, in the file's order.
 *
 * @throws FennecError as `openGguf` does.
 */
export async function readRawMetadata(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const cursor = new HeaderCursor(source, MAX_HEADER_BYTES, signal);
  const { metadataCount } = await cursor.entry(readPreamble);
  const values = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let i = 0; i < metadataCount; i++) {
    const [key, bytes] = await cursor.entry(readRawEntry);
    values.set(key, bytes);
  }
  return values;
}

function readRawEntry(cursor: HeaderCursor): readonly [string, Uint8Array<ArrayBuffer>] {
  const key = readKey(cursor);
  const start = cursor.position;
  readValue(cursor, key);
  const end = cursor.position;
  cursor.position = start;
  return [key, new Uint8Array(cursor.copy(end - start))];
}
