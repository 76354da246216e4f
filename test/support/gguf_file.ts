// GGUF files on disk, for tests in Node.

import { createHash } from "node:crypto";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufFile, ggufChunks } from "./gguf_writer";

/** Writes the file in pieces; memory use does not depend on its size. */
export async function writeGgufFile(path: string, file: GgufFile): Promise<{ bytes: number; sha256: string }> {
  const handle: FileHandle = await open(path, "w");
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for (const piece of ggufChunks(file)) {
      await handle.write(piece);
      hash.update(piece);
      bytes += piece.length;
    }
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** An empty folder that `remove` deletes with everything in it. */
export async function temporaryFolder(): Promise<{
  path: string;
  file: (name: string) => string;
  remove: () => Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), "fennec-test-"));
  return { path, file: (name) => join(path, name), remove: () => rm(path, { recursive: true, force: true }) };
}
