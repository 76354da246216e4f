// A GGUF model in several files, NAME-00001-of-0000N.gguf: metadata from the first, tensors from all.
//
// Source: llama.cpp, tools/gguf-split (`split.no`, `split.count`, `split.tensors.count`; LLAMA_SPLIT_PREFIX's format).

import { FennecError } from "../errors";
import { openGgufPart } from "./gguf";
import { quoted } from "./quoted";
import type { ByteSource, TensorInfo, WeightsFile } from "./weights_file";

/** Parts of one model. Largest known: 60. */
export const MAX_PARTS = 1_024;

const PART = /-(\d{5})-of-(\d{5})(?=\.gguf(?:[?#@]|$))/i;

/**
 * The names of all parts in order, when `name` is that of one; undefined otherwise. Paths, URLs and `hf:` names stay such.
 * @throws FennecError `invalid-argument` for a number of parts that no model has.
 */
export function splitNames(name: string): readonly string[] | undefined {
  const [, number, count] = PART.exec(name) ?? [];
  if (number === undefined || Number(count) === 1) return undefined;
  const parts = Number(count);
  if (parts < 1 || parts > MAX_PARTS || Number(number) < 1 || Number(number) > parts) {
    throw new FennecError("invalid-argument", `${quoted(name)}: names part ${number} of ${count}; no model has that.`);
  }
  return Array.from({ length: parts }, (_, i) => name.replace(PART, `-${String(i + 1).padStart(5, "0")}-of-${count}`));
}

/**
 * @param names Of all parts, in order.
 * @param open Undefined where there is no such file.
 * @throws FennecError `source-unreadable` naming the missing parts, `file-corrupt` when the parts do not belong
 *   together, and what opening a part throws. Nothing is left open then.
 */
export async function openSplitGguf(
  names: readonly string[],
  open: (name: string) => Promise<ByteSource | undefined>,
  signal?: AbortSignal,
): Promise<WeightsFile> {
  const sources: ByteSource[] = [];
  const dispose = () => {
    for (const source of sources) source.dispose();
  };
  try {
    const missing: string[] = [];
    for (const name of names) {
      const source = await open(name);
      if (source) sources.push(source);
      else missing.push(name);
    }
    if (missing.length > 0) throw missingParts(missing, names.length);
    const parts: WeightsFile[] = [];
    for (const source of sources) parts.push(await openGgufPart(source, signal));
    return { ...joined(parts), dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function missingParts(missing: readonly string[], count: number): FennecError {
  const shown = missing.slice(0, 5).map((name) => quoted(name.split(/[/\\]/).at(-1)!));
  return new FennecError(
    "source-unreadable",
    `${missing.length} of ${count} parts of the model are missing: ${shown.join(", ")}` +
      `${missing.length > shown.length ? ", ..." : ""}. All parts are needed, side by side.`,
  );
}

function joined(parts: readonly WeightsFile[]): WeightsFile {
  const [first] = parts;
  const tensors = new Map<string, TensorInfo>();
  parts.forEach((part, index) => {
    const number = part.metadata.get("split.no");
    const count = part.metadata.get("split.count");
    if (number !== index || count !== parts.length) {
      throw new FennecError(
        "file-corrupt",
        `${part.name}: says that it is part ${Number(number) + 1} of ${count}; its name says ${index + 1} of ${parts.length}.`,
      );
    }
    for (const [name, tensor] of part.tensors) {
      if (tensors.has(name)) {
        throw new FennecError("file-corrupt", `${part.name}: tensor ${quoted(name)} is in an earlier part already.`);
      }
      tensors.set(name, tensor);
    }
  });
  const expected = first!.metadata.get("split.tensors.count");
  if (typeof expected === "number" && expected !== tensors.size) {
    throw new FennecError(
      "file-corrupt",
      `${first!.name}: says that all parts have ${expected} tensors; they have ${tensors.size}. They belong to different files.`,
    );
  }
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return { ...first!, name: first!.name.replace(PART, ""), tensors, bytes };
}
