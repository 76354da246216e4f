import type { WeightFormat } from "../quant/format";
import { FORMATS, formatOf } from "../quant/index";
import { noiseMatrix } from "../quant/reference";
import { batchUniform, type KernelCase, kernelCase, noise } from "../testing";
import { type LinearOptions, linear } from "./linear";
import { linearReference } from "./reference";

interface Shape {
  /** Rows of x. */
  readonly xRows: number;
  /** Of the matrix. */
  readonly rows: number;
  readonly cols: number;
}

interface Options extends LinearOptions {
  /** Of x: tiny values make eps matter. */
  readonly amplitude?: number;
  readonly subnormal?: boolean;
  /** y is wider than this part of the matrix, which begins at this column of it. */
  readonly yAt?: number;
  /** x is a row per output of a batch with more rows. */
  readonly onOutputs?: boolean;
}

const EPS = 1e-6;
/** Offsets of the vectors among others. */
const GAIN_AT = 12;

/** A case of one matrix of noise; the same seed always, so that cases of one shape differ in `xRows` alone. */
export function at(
  name: string,
  format: WeightFormat,
  { xRows, rows, cols }: Shape,
  options: Options = {},
): KernelCase {
  const { norm, bias, accumulate, amplitude = 1, subnormal = false, yAt = 0, onOutputs = false } = options;
  const matrix = noiseMatrix(format, rows, cols, 31, { subnormal });
  const x = noise(xRows * cols, 32, amplitude);
  const vectors = noise(GAIN_AT + cols + rows, 33);
  const biasAt = GAIN_AT + cols;
  const yStride = rows + (yAt && yAt + 3);
  // Unwritten elements are NaN: a sum that adds to them, or a store outside the part, shows.
  const before = new Float32Array(xRows * yStride).fill(Number.NaN);
  if (accumulate) before.set(noise(before.length, 34));

  return kernelCase({
    name,
    kernel: linear(format, { norm, bias, accumulate }),
    params: {
      cols,
      rows,
      x_stride: cols,
      y_at: yAt,
      y_stride: yStride,
      gain_at: GAIN_AT,
      bias_at: biasAt,
      eps: EPS,
      on_outputs: Number(onOutputs),
      section_1: matrix.layout.sections[1],
      section_2: matrix.layout.sections[2],
      section_3: matrix.layout.sections[3],
    },
    buffers: {
      batch: onOutputs
        ? batchUniform(
            xRows + 30,
            Array.from({ length: xRows }, (_, o) => o),
          )
        : batchUniform(xRows),
      // Rows that the batch does not have hold what an older step left: here NaN.
      x: withNaN(x, 16 * cols),
      w: matrix.words,
      vectors,
      y: before,
    },
    rows: xRows,
    expected: () => {
      const y = Float64Array.from(before);
      const gain = vectors.subarray(GAIN_AT, biasAt);
      const input = { x, weights: matrix.weights, cols, gain, eps: EPS, bias: vectors.subarray(biasAt) };
      linearReference(input, { norm, bias }).forEach((value, index) => {
        const to = Math.floor(index / rows) * yStride + yAt + (index % rows);
        y[to] = value + (accumulate ? y[to]! : 0);
      });
      return { y };
    },
    tolerance: 2e-6,
    toleranceF16: 2e-3,
  });
}

function withNaN(x: Float32Array, more: number): Float32Array {
  const longer = new Float32Array(x.length + more).fill(Number.NaN);
  longer.set(x);
  return longer;
}

const ALL = { norm: true, bias: true, accumulate: true };
const f16 = formatOf("F16");
const q4 = formatOf("Q4_0");
const prefilled = new Set(["F16", "Q4_0", "Q6_K"]);

/** Decode and prefill, three groups of 32 columns or one block: each format alone, and the self-test of any linear. */
export function smallLinearCases(format: WeightFormat, options: LinearOptions = {}): readonly KernelCase[] {
  const cols = format.blockWeights * Math.ceil(96 / format.blockWeights);
  return [
    at("one row", format, { xRows: 1, rows: 9, cols }, options),
    at("prefill of 17, one more than decode takes", format, { xRows: 17, rows: 9, cols }, options),
  ];
}

/** Many rows of a narrow matrix: a thousand distinct ones again and again, so that the reference stays small. */
function folded(): KernelCase {
  const [distinct, times, cols] = [1000, 528, 32];
  const small = at("", q4, { xRows: 1, rows: distinct, cols });
  const rows = distinct * times;
  const { bytes, sections } = q4.layout(rows, cols);
  const [words, pattern] = [new Uint32Array(bytes / 4), small.buffers.w as Uint32Array];
  const scalesOfPattern = q4.layout(distinct, cols).sections[1];
  for (let time = 0; time < times; time++) {
    words.set(pattern.subarray(0, 4 * distinct), 4 * distinct * time);
    words.set(pattern.subarray(scalesOfPattern), sections[1] + (distinct / 2) * time);
  }
  return {
    ...small,
    name: "more than 65,535 workgroups of 8 rows",
    params: { ...small.params, rows, y_stride: rows, section_1: sections[1] },
    buffers: { ...small.buffers, w: words, y: { words: rows } },
    expected: () => {
      const y = small.expected().y!;
      return { y: Float64Array.from({ length: rows }, (_, row) => y[row % distinct]!) };
    },
  };
}

export const cases: readonly KernelCase[] = [
  // Prefill in some formats only, for the compile time of software adapters: the loaders are pinned by embed's cases.
  ...[...FORMATS.values()].flatMap((format) => smallLinearCases(format).slice(0, prefilled.has(format.type) ? 2 : 1)),
  at("3 rows run in the bucket of 4, with 172 columns: not a multiple of 32", f16, { xRows: 3, rows: 37, cols: 172 }),
  at("prefill with 172 columns", f16, { xRows: 17, rows: 37, cols: 172 }),
  at("128 rows, two tiles of x and of w", q4, { xRows: 128, rows: 70, cols: 64 }),
  at("16 outputs of 46 rows", q4, { xRows: 16, rows: 9, cols: 96 }, { onOutputs: true }),
  at("more columns than a team has lanes times 32", q4, { xRows: 1, rows: 3, cols: 32 * 65 }),
  folded(),
  at("subnormal scales", q4, { xRows: 1, rows: 9, cols: 96 }, { subnormal: true }),
  at("norm, 172 columns: the row's tail adds no squares", f16, { xRows: 3, rows: 37, cols: 172 }, { norm: true }),
  at("norm, prefill", f16, { xRows: 17, rows: 37, cols: 172 }, { norm: true }),
  at("norm of tiny values, where eps matters", f16, { xRows: 3, rows: 9, cols: 172 }, { norm: true, amplitude: 1e-3 }),
  at("norm of tiny values, prefill", f16, { xRows: 17, rows: 9, cols: 172 }, { norm: true, amplitude: 1e-3 }),
  at("values past the largest f16, prefill", f16, { xRows: 17, rows: 9, cols: 172 }, { norm: true, amplitude: 1e6 }),
  at("accumulate alone", f16, { xRows: 1, rows: 9, cols: 172 }, { accumulate: true }),
  at("norm, bias and accumulate", f16, { xRows: 1, rows: 9, cols: 172 }, ALL),
  at("norm, bias and accumulate, prefill", f16, { xRows: 17, rows: 9, cols: 172 }, ALL),
  at("a part of a matrix writes its columns only", f16, { xRows: 3, rows: 37, cols: 172 }, { yAt: 11 }),
  at("a part of a matrix, prefill", f16, { xRows: 17, rows: 37, cols: 172 }, { yAt: 11 }),
];
