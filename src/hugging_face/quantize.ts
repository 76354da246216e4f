// Float rows to Q8_0 or Q4_0 while they are loaded, in the blocks of src/quantize: equal bit for bit to what ggml's
// reference quantizer writes.

import { q4_0 } from "../quantize/q4_0";
import { q8_0 } from "../quantize/q8_0";
import type { Quantizer } from "../quantize/quantizer";
import { floatValues, type Rows } from "./rows";

export type Quantization = "q8_0" | "q4_0";

const QUANTIZERS: Readonly<Record<Quantization, Quantizer>> = { q8_0, q4_0 };

/** Undefined for rows that are no whole number of blocks: those stay as they are. */
export function quantizedRows(rows: Rows, quantization: Quantization): Rows | undefined {
  const cols = rows.shape.at(-1)!;
  const { type, blockWeights, blockBytes, quantize } = QUANTIZERS[quantization];
  if (rows.shape.length !== 2 || cols % blockWeights !== 0) return undefined;
  return {
    ...rows,
    type,
    rowBytes: (cols / blockWeights) * blockBytes,
    async read(first, count, signal) {
      return quantize(await floatValues(rows, first, count, signal));
    },
  };
}
