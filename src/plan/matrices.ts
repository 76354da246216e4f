// How a matrix lies on the GPU: one buffer, or several where its rows exceed the largest storage binding.

import type { WeightFormat } from "../../kernels/quant/format";
import { FennecError } from "../errors";
import type { WeightRef } from "../graph/graph";
import type { PlannedMatrix } from "./plan";

/** @throws FennecError `backend-unsupported` for rows that kernels cannot read, `webgpu-limits` for rows too long. */
export function planMatrix(ref: WeightRef, format: WeightFormat, maxBindingBytes: number): PlannedMatrix {
  const [rows, cols] = ref.shape as readonly [number, number];
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
  return { name: ref.name, format, cols, parts };
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
