// The tensor entries of a GGUF header: names, types and shapes, and the checked byte ranges that follow from them.

import { FennecError } from "../errors";
import { ggmlTypeById, removedGgmlType } from "./ggml_types";
import { MAX_TENSOR_AXES, MAX_TENSOR_NAME_BYTES } from "./gguf_limits";
import type { HeaderCursor } from "./header_cursor";
import { quoted } from "./quoted";
import type { ByteSource, TensorInfo } from "./weights_file";

/** A tensor as the header describes it; `offset` counts from the start of the tensor data. */
export interface TensorEntry {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
}

/** Reads one entry and computes its size. @throws FennecError `file-corrupt`, `file-unsupported`. */
export function readTensorEntry(cursor: HeaderCursor): TensorEntry {
  const name = cursor.string("a tensor name", MAX_TENSOR_NAME_BYTES, true);
  const where = `${cursor.name}: tensor ${quoted(name)}`;
  if (name === "") throw new FennecError("file-corrupt", `${where}: the name is empty.`);

  const axes = cursor.u32();
  if (axes < 1 || axes > MAX_TENSOR_AXES) {
    throw new FennecError("file-corrupt", `${where}: has ${axes} axes; 1 to ${MAX_TENSOR_AXES} are possible.`);
  }
  const shape: number[] = [];
  let weights = 1;
  for (let axis = 0; axis < axes; axis++) {
    const extent = cursor.count(`an axis of tensor ${quoted(name)}`, Number.MAX_SAFE_INTEGER);
    weights *= extent;
    shape.unshift(extent); // the file has the contiguous axis first
  }
  if (weights < 1 || weights > Number.MAX_SAFE_INTEGER) {
    throw new FennecError(
      "file-corrupt",
      `${where}: its shape [${shape.join(", ")}] holds no possible number of weights.`,
    );
  }

  const id = cursor.u32();
  const type = ggmlTypeById(id);
  if (!type) throw unknownType(where, id);
  const columns = shape[shape.length - 1]!;
  if (columns % type.blockWeights !== 0) {
    throw new FennecError(
      "file-corrupt",
      `${where}: rows of ${columns} weights are not a whole number of ${type.name} blocks of ${type.blockWeights}.`,
    );
  }
  const offset = cursor.count(`the offset of tensor ${quoted(name)}`, Number.MAX_SAFE_INTEGER);
  return { name, type: type.name, shape, offset, bytes: (weights / type.blockWeights) * type.blockBytes };
}

function unknownType(where: string, id: number): FennecError {
  const old = removedGgmlType(id);
  return new FennecError(
    "file-unsupported",
    old
      ? `${where}: has the weight type ${old} (${id}), which ggml has removed. Convert or quantize the model again.`
      : `${where}: has the weight type ${id}, which this version does not know. Choose a file in another weight type.`,
  );
}

/** Turns offsets into checked, disjoint, absolute byte ranges. */
export function placeTensors(
  source: ByteSource,
  entries: readonly TensorEntry[],
  headerEnd: number,
  alignment: number,
): ReadonlyMap<string, TensorInfo> {
  const dataStart = Math.ceil(headerEnd / alignment) * alignment;
  const tensors = new Map<string, TensorInfo>();
  for (const { name, type, shape, offset, bytes } of entries) {
    const where = `${source.name}: tensor ${quoted(name)}`;
    if (tensors.has(name)) throw new FennecError("file-corrupt", `${where} appears twice.`);
    if (offset % alignment !== 0) {
      throw new FennecError("file-corrupt", `${where} begins at ${offset}, which is no multiple of ${alignment}.`);
    }
    const start = dataStart + offset;
    if (start + bytes > source.size) {
      throw new FennecError(
        "file-truncated",
        `${where} should end at byte ${start + bytes}, but the file ends at ${source.size}. ` +
          `The download or copy was probably cut short; fetch the file again.`,
      );
    }
    tensors.set(name, { name, type, shape, offset: start, bytes, source });
  }
  refuseOverlap(source.name, tensors);
  return tensors;
}

function refuseOverlap(name: string, tensors: ReadonlyMap<string, TensorInfo>): void {
  const sorted = [...tensors.values()].sort((a, b) => a.offset - b.offset);
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
