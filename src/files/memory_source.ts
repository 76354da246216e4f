// Bytes that are already in memory, as a ByteSource. For small models, tests and bytes that the application fetched.

import { FennecError } from "../errors";
import { checkRead, streamByReads } from "./source_util";
import type { ByteSource } from "./weights_file";

/** The bytes are not copied: the caller must leave them alone until `dispose`. Reads return copies. */
export function memorySource(bytes: ArrayBuffer | Uint8Array, name = "bytes in memory"): ByteSource {
  let view: Uint8Array | undefined = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const source: ByteSource = {
    name,
    size: view.byteLength,
    identity: "",
    async read(offset, length, signal) {
      checkRead(source, offset, length, signal);
      if (!view) throw new FennecError("disposed", `${name}: the bytes were given back.`);
      return new Uint8Array(view.subarray(offset, offset + length));
    },
    stream: (offset, length, signal) => streamByReads(source, offset, length, signal),
    dispose() {
      view = undefined;
    },
  };
  return source;
}
