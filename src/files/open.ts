// Opens a model file whatever its format: the first bytes decide, never the name.

import { FennecError } from "../errors";
import { GGUF_MAGIC, openGguf } from "./gguf";
import type { ByteSource, WeightsFile } from "./weights_file";

/** Enough for every magic below. */
const HEAD_BYTES = 64;

/**
 * Reads the header of a model file. Tensor data stays where it is until `TensorInfo.source` is read.
 *
 * @returns The file, which owns `source` from now on: `dispose` of the file disposes the source. When opening fails
 *   the source is disposed as well.
 * @throws FennecError `file-corrupt` (no model file, or a damaged one), `file-truncated`, `file-unsupported` (a format,
 *   version or weight type that this version does not read), and whatever the source throws.
 */
export async function openWeights(source: ByteSource, signal?: AbortSignal): Promise<WeightsFile> {
  try {
    const head = await source.read(0, Math.min(HEAD_BYTES, source.size), signal);
    if (isGguf(head)) return await openGguf(source, signal);
    throw notReadable(source, head);
  } catch (error) {
    source.dispose();
    throw error;
  }
}

function isGguf(head: Uint8Array<ArrayBuffer>): boolean {
  return head.length >= 4 && new DataView(head.buffer).getUint32(0, true) === GGUF_MAGIC;
}

interface KnownBeginning {
  readonly matches: (head: string) => boolean;
  readonly code: "file-corrupt" | "file-unsupported";
  readonly is: string;
  readonly tryThis: string;
}

/** What people really pass by mistake, each with what to do about it. */
const known: readonly KnownBeginning[] = [
  {
    matches: (head) => head[8] === "{", // after the header's length
    code: "file-unsupported",
    is: "a safetensors file",
    tryThis: "Load the folder that it is in, with config.json and tokenizer.json.",
  },
  {
    matches: (head) => head.startsWith("PK"),
    code: "file-unsupported",
    is: "a zip archive or a PyTorch checkpoint",
    tryThis: "Use the GGUF file of the same model.",
  },
  {
    matches: (head) => ["lmgg", "fmgg", "tjgg", "algg"].includes(head.slice(0, 4)),
    code: "file-unsupported",
    is: "a ggml file from before GGUF",
    tryThis: "Convert the model again.",
  },
  {
    matches: (head) => head.startsWith("version https://git-lfs"),
    code: "file-corrupt",
    is: "a Git LFS pointer, not the file itself",
    tryThis: "Fetch the file with git lfs pull.",
  },
  {
    matches: (head) => /^\s*<(!doctype|html|\?xml)/i.test(head),
    code: "file-corrupt",
    is: "a web page",
    tryThis: "Check the URL: it must lead to the file itself.",
  },
];

function notReadable(source: ByteSource, head: Uint8Array): FennecError {
  const text = String.fromCharCode(...head);
  const found = known.find(({ matches }) => matches(text));
  if (found) {
    return new FennecError(found.code, `${source.name}: is ${found.is}; a GGUF file is needed. ${found.tryThis}`);
  }
  if (head.length < 4) return new FennecError("file-truncated", `${source.name}: is only ${head.length} bytes long.`);
  const hex = Array.from(head.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return new FennecError(
    "file-corrupt",
    `${source.name}: begins with the bytes ${hex}; a GGUF file begins with 47 47 55 46 ("GGUF"). ` +
      `It is not a model file, or it was damaged.`,
  );
}
