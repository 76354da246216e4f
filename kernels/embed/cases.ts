import type { WeightFormat } from "../quant/format";
import { FORMATS, formatOf } from "../quant/index";
import { noiseMatrix, referenceOf } from "../quant/reference";
import { batchUniform, type KernelCase, kernelCase, slotsBuffer } from "../testing";
import { embed } from "./embed";
import { embedReference } from "./reference";

interface Options {
  readonly tokens?: readonly number[];
  /** Of the last row, from its slot. */
  readonly lastToken?: number;
  readonly rowBegin?: number;
  readonly scale?: number;
  readonly subnormal?: boolean;
  readonly tolerance?: number;
}

function at(name: string, format: WeightFormat, rows: number, cols: number, options: Options = {}): KernelCase {
  const { tokens = [1, 0, rows - 1], lastToken, rowBegin = 0, scale = 1, subnormal = false, tolerance = 0 } = options;
  const all = lastToken === undefined ? tokens : [...tokens, lastToken];
  const { layout, words, weights } = noiseMatrix(format, rows, cols, 21, { subnormal });
  const batchRows = all.map((token, m) => (m < tokens.length ? { token } : { slot: 2 }));
  return kernelCase({
    name,
    kernel: embed(format),
    params: {
      cols,
      row_begin: rowBegin,
      rows,
      scale,
      section_1: layout.sections[1],
      section_2: layout.sections[2],
      section_3: layout.sections[3],
    },
    buffers: {
      batch: batchUniform(batchRows),
      slots: slotsBuffer([{}, {}, { token: lastToken ?? 0 }]),
      w: words,
      y: { words: all.length * cols },
    },
    rows: all.length,
    expected: () => ({ y: embedReference(weights, cols, all, rowBegin, scale) }),
    tolerance,
  });
}

const q4 = formatOf("Q4_0");

// With scale 1 the result is the dequantized matrix, so that equal bits pin each loader.
export const cases: readonly KernelCase[] = [
  ...[...FORMATS.values()].flatMap((format) => [
    at("equal bits to dequantization on the host", format, 7, Math.max(64, format.blockWeights)),
    ...(referenceOf(format).floats.some(({ as }) => as === "f16")
      ? [at("subnormal f16 keep all their bits", format, 3, Math.max(32, format.blockWeights), { subnormal: true })]
      : []),
  ]),
  at("rows of 172, not a multiple of 32", formatOf("F16"), 3, 172),
  at("token from the slot", q4, 5, 64, { tokens: [2, 0], lastToken: 4 }),
  at("scaled (gemma)", q4, 5, 64, { scale: Math.sqrt(64.5), tolerance: 1e-6 }),
  at("a part of the matrix leaves other parts' rows alone", q4, 4, 64, { rowBegin: 10, tokens: [9, 10, 13, 14, 0] }),
  at("a prefill chunk", q4, 5, 96, { tokens: Array.from({ length: 130 }, (_, m) => m % 5) }),
];
