import { OUTPUT_NO_SAMPLE } from "../common/batch";
import { batchUniform, type KernelCase, kernelCase, noise } from "../testing";
import { outputRows } from "./output_rows";
import { outputRowsReference } from "./reference";

function at(name: string, width: number, rows: number, outputs: readonly number[]): KernelCase {
  const x = noise(rows * width, 1);
  // A row that wants logits is flagged; gathering it is the same.
  const words = outputs.map((row, output) => (output % 2 === 1 ? (row | OUTPUT_NO_SAMPLE) >>> 0 : row));
  return kernelCase({
    name,
    kernel: outputRows,
    params: { width },
    buffers: { batch: batchUniform(rows, words), x, y: { words: 16 * width } },
    rows: outputs.length,
    expected: () => {
      const y = new Float64Array(16 * width).fill(Number.NaN);
      y.set(outputRowsReference(x, width, outputs));
      return { y };
    },
    tolerance: 0,
  });
}

export const cases: readonly KernelCase[] = [
  at("last row of a chunk", 64, 21, [20]),
  at("all rows wanted", 12, 3, [0, 1, 2]),
  at("every output, out of order", 260, 20, [3, 1, 2, 19, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14]),
  at("one quad wide", 4, 5, [4, 0, 2]),
];
