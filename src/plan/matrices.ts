// How matrices lie on the GPU: one buffer each, several where rows exceed the largest storage binding, and one for
// several matrices of a format that a dispatch reads one after the other.

import { MOST_MATRICES } from "../../kernels/linear/linear";
import type { WeightFormat } from "../../kernels/quant/format";
import { FennecError } from "../errors";
import type { Graph, WeightRef } from "../graph/graph";
import type { PlanInput, PlannedMatrix } from "./plan";

type MatrixInput = Pick<PlanInput, "formatOf" | "maxBindingBytes">;

/** @throws FennecError `backend-unsupported` for rows that kernels cannot read, `webgpu-limits` for rows too long. */
export function planMatrix(ref: WeightRef, { formatOf, maxBindingBytes }: MatrixInput): PlannedMatrix {
  const format = formatOf(ref);
  const [rows, cols] = sizeOf(ref);
  if (cols % 4 !== 0)
    throw new FennecError(
      "backend-unsupported",
      `tensor "${ref.name}" has rows of ${cols} weights; the webgpu backend needs a multiple of 4. Try backend: "onnx".`,
    );
  const partRows = rowsPerPart(ref, format, rows, cols, maxBindingBytes);
  const parts = Array.from({ length: Math.ceil(rows / partRows) }, (_, part) => {
    const firstRow = part * partRows;
    const count = Math.min(partRows, rows - firstRow);
    return { firstRow, rows: count, layout: format.layout(count, cols) };
  });
  return { name: ref.name, format, cols, tensors: [{ name: ref.name, rows }], parts };
}

/**
 * The buffers of matrices that one dispatch reads one after the other: neighbours of one format share a buffer.
 *
 * @returns At most {@link MOST_MATRICES}, with one part each; undefined where it cannot be done.
 */
export function planStack(weights: readonly WeightRef[], input: MatrixInput): readonly PlannedMatrix[] | undefined {
  const buffers: PlannedMatrix[] = [];
  for (const weight of weights) {
    const next = planMatrix(weight, input);
    if (next.parts.length > 1) return undefined;
    const merged = buffers.length > 0 ? merge(buffers.at(-1)!, next, input.maxBindingBytes) : undefined;
    if (merged) buffers.splice(-1, 1, merged);
    else buffers.push(next);
  }
  return buffers.length <= MOST_MATRICES ? buffers : undefined;
}

/** Weights that a graph uses once: those of a stack must lie nowhere else. */
export function usedOnce(graph: Graph): ReadonlySet<string> {
  const uses = new Map<string, number>();
  for (const node of graph.nodes) {
    if (node.op === "linear" || node.op === "embed") uses.set(node.weight.name, (uses.get(node.weight.name) ?? 0) + 1);
  }
  return new Set([...uses].filter(([, count]) => count === 1).map(([name]) => name));
}

function merge(a: PlannedMatrix, b: PlannedMatrix, most: number): PlannedMatrix | undefined {
  if (a.format.type !== b.format.type || a.cols !== b.cols) return undefined;
  const [first, second] = [a.parts[0]!, b.parts[0]!];
  const rows = first.rows + second.rows;
  const layout = a.format.layout(rows, a.cols);
  // An upload's chunks must not share words: the second matrix begins where a chunk may.
  const blocks = first.rows * Math.ceil(a.cols / a.format.blockWeights);
  if (layout.bytes > most || blocks % layout.chunkBlocks !== 0) return undefined;
  return {
    ...a,
    name: `${a.name} + ${b.name}`,
    tensors: [...a.tensors, ...b.tensors],
    parts: [{ firstRow: 0, rows, layout }],
  };
}

/** The most rows whose layout fits one binding; a multiple of 64, so that parts start on block and word borders. */
function rowsPerPart(ref: WeightRef, format: WeightFormat, rows: number, cols: number, most: number): number {
  if (format.layout(rows, cols).bytes <= most) return rows;
  const perRow = format.layout(4096, cols).bytes / 4096;
  let partRows = 64 * Math.floor(most / perRow / 64);
  while (partRows > 0 && format.layout(partRows, cols).bytes > most) partRows -= 64;
  if (partRows <= 0)
    throw new FennecError(
      "webgpu-limits",
      `tensor "${ref.name}" has rows of ${cols} weights: 64 of them exceed the adapter's largest storage binding ` +
        `(${most} bytes).`,
    );
  return partRows;
}

function sizeOf(ref: WeightRef): readonly [rows: number, cols: number] {
  return ref.shape as readonly [number, number];
}
