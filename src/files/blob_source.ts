// A Blob, or a File that the user picked or dropped, as a ByteSource. The browser keeps the bytes on disk.

import { FennecError } from "../errors";
import { checkRead, reasonOf, streamByReads } from "./source_util";
import type { ByteSource } from "./weights_file";

/** `source-changed` when the file on disk was written after it was picked: browsers then refuse to read it. */
export function blobSource(blob: Blob, name = blobName(blob)): ByteSource {
  const source: ByteSource = {
    name,
    size: blob.size,
    identity: blob instanceof File ? `file:${blob.name}:${blob.size}:${blob.lastModified}` : "",
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (error) {
        const changed = error instanceof Error && error.name === "NotReadableError";
        throw new FennecError(
          changed ? "source-changed" : "source-unreadable",
          `${name}: reading ${length} bytes at ${offset} failed: ${reasonOf(error)}. ` +
            `The file was probably changed, moved or deleted after it was chosen; choose it again.`,
          { cause: error },
        );
      }
    },
    stream: (offset, length, signal) => streamByReads(source, offset, length, signal),
    dispose() {},
  };
  return source;
}

function blobName(blob: Blob): string {
  return blob instanceof File && blob.name ? blob.name : "blob";
}
