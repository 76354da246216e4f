// Makes one case of linear from sizes and options; cases.ts is the list.

import type { WeightFormat } from "../quant/format";
import { noiseMatrix } from "../quant/reference";
import { batchUniform, type KernelCase, noise } from "../testing";
import { type LinearOptions, linear } from "./linear";
import { linearReference } from "./reference";

export interface LinearSizes {
  /** Rows of y, and of x unless it is gathered. */
  readonly xRows: number;
  /** Of the matrix, or of each of a stack; when gated, of gate and up together where they are one matrix. */
  readonly rows: number | readonly number[];
  readonly cols: number;
}

export interface LinearCaseOptions extends LinearOptions {
  /** Of x: tiny values make eps matter. */
  readonly amplitude?: number;
  /** What an element of x is multiplied by. */
  readonly sizeOf?: (row: number, column: number) => number;
  readonly subnormal?: boolean;
  /** y is wider than these rows, which begin at this column of it. */
  readonly yAt?: number;
  /** Rows of x are this much longer than the columns. A multiple of 4. */
  readonly xMore?: number;
  /** x is a row per output of a batch with more rows. */
  readonly onOutputs?: boolean;
  /** With `int8`: compares with the result of x as it was, not as it is rounded. */
  readonly exact?: boolean;
}

/** Rounding moves a value by 0.4 % of the noise's size on average; the worst of some hundred sums by four times that. */
const INT8_TOLERANCE = 2e-2;
const EPS = 1e-6;
const ADD_EPS = 3e-6;
/** Offsets of the vectors among others. */
const ADD_GAIN_AT = 12;
/** Rows of a batch that are no outputs. */
const MORE_TOKENS = 30;
/** Rows that outputs are longer than the step: of those that a variant computes and must not store. */
const MORE_ROWS = 2;

/** A case of noise; the same seeds always, so that cases of one shape differ in `xRows` alone. */
export function at(
  name: string,
  format: WeightFormat | readonly WeightFormat[],
  sizes: LinearSizes,
  options: LinearCaseOptions = {},
): KernelCase {
  const { xRows, cols } = sizes;
  const { norm, bias, accumulate, gather, gated, sandwich, int8 } = options;
  const {
    amplitude = 1,
    sizeOf = () => 1,
    subnormal = false,
    yAt = 0,
    xMore = 0,
    onOutputs = false,
    exact = false,
  } = options;
  const formats = [format].flat();
  const matrixRows = [sizes.rows].flat();
  const matrices = formats.map((each, p) => noiseMatrix(each, matrixRows[p]!, cols, 31 + 100 * p, { subnormal }));
  const stackRows = matrixRows.reduce((sum, rows) => sum + rows, 0);
  const rows = gated ? stackRows / 2 : stackRows;

  const xStride = cols + xMore;
  const tokens = onOutputs || gather ? xRows + MORE_TOKENS : xRows;
  // Gathered rows stand apart, in another order.
  const outputs = Array.from({ length: xRows }, (_, o) => (gather ? (tokens - 1 - 2 * o) % tokens : o));
  const readRows = gather ? outputs : Array.from({ length: xRows }, (_, m) => m);
  const allX = noise((gather ? tokens : xRows) * cols, 32, amplitude).map(
    (value, i) => value * sizeOf(Math.floor(i / cols), i % cols),
  );
  const allAdd = noise(allX.length, 35, 3);
  const rowsOf = (of: Float32Array) =>
    Float32Array.from(readRows.flatMap((row) => [...of.subarray(row * cols, (row + 1) * cols)]));

  const gainAt = ADD_GAIN_AT + 4 * Math.ceil(cols / 4);
  const biasAt = gainAt + cols + 3;
  const vectors = noise(4 * Math.ceil((biasAt + stackRows) / 4), 33); // whole vec4f, as the engine's are
  if (int8) awayFromTies(allX, cols, norm ? vectors.subarray(gainAt, gainAt + cols) : undefined);
  const yStride = rows + (yAt && yAt + 3);
  // Unwritten elements are NaN: a sum that adds to them, or a store outside the part or past the last row, shows.
  const before = new Float32Array((xRows + MORE_ROWS) * yStride).fill(Number.NaN);
  if (accumulate) before.set(noise(before.length, 34));
  const untouched = strided(new Float32Array(allX.length).fill(Number.NaN), cols, xStride, MORE_ROWS);

  return {
    name,
    kernel: linear(formats, { norm, bias, accumulate, gather, gated, sandwich, int8 }),
    params: {
      ...Object.fromEntries(
        matrices.flatMap(({ layout: { sections } }, p) => [
          [`rows_${p}`, matrixRows[p]!],
          ...[1, 2, 3].map((section) => [`section_${p}_${section}`, sections[section]!] as const),
        ]),
      ),
      cols,
      x_stride: xStride,
      y_at: yAt,
      y_stride: yStride,
      gain_at: gainAt,
      bias_at: biasAt,
      eps: EPS,
      on_outputs: Number(onOutputs || !!gather),
      add_gain_at: ADD_GAIN_AT,
      add_eps: ADD_EPS,
    },
    buffers: {
      batch: onOutputs || gather ? batchUniform(tokens, outputs) : batchUniform(xRows),
      // Rows that the batch does not have hold what an older step left: here NaN. So does the rest of a longer row.
      x: strided(allX, cols, xStride, 16),
      ...(sandwich && { add: strided(allAdd, cols, xStride, 16) }),
      ...Object.fromEntries(matrices.map(({ words }, p) => [`w_${p}`, words])),
      vectors,
      ...(sandwich === "publish" && { x_out: untouched }),
      y: before,
    },
    rows: xRows,
    expected: (variant) => {
      const y = Float64Array.from(before);
      const { y: values, multiplied } = linearReference(
        {
          x: rowsOf(allX),
          matrices: matrices.map(({ weights }) => weights),
          cols,
          gain: vectors.subarray(gainAt, gainAt + cols),
          eps: EPS,
          bias: vectors.subarray(biasAt),
          add: rowsOf(allAdd),
          addGain: vectors.subarray(ADD_GAIN_AT, ADD_GAIN_AT + cols),
          addEps: ADD_EPS,
        },
        { norm, bias, gated, sandwich, int8: !!variant.int8 && !exact },
      );
      values.forEach((value, index) => {
        const to = Math.floor(index / rows) * yStride + yAt + (index % rows);
        y[to] = value + (accumulate ? y[to]! : 0);
      });
      const xOut = Float64Array.from(untouched);
      readRows.forEach((row, m) => {
        xOut.set(multiplied.subarray(m * cols, (m + 1) * cols), row * xStride);
      });
      return { y, ...(sandwich === "publish" && { x_out: xOut }) };
    },
    tolerance: exact ? INT8_TOLERANCE : 2e-6,
    toleranceF16: 4e-3, // measured up to 2.3e-3 (wgpu on lavapipe)
  };
}

/** Moves what is nearly halfway between two whole numbers, where an adapter's division decides, a little down. */
function awayFromTies(x: Float32Array, cols: number, gain: Float32Array | undefined): void {
  const value = (i: number) => x[i]! * (gain?.[i % cols] ?? 1);
  for (let row = 0; row < x.length; row += cols) {
    for (let first = row; first < row + cols; first += 32) {
      const group = Array.from({ length: Math.min(32, row + cols - first) }, (_, i) => first + i);
      const largest = Math.max(...group.map((i) => Math.abs(value(i))));
      for (const i of group) {
        const units = Math.abs((127 * value(i)) / largest);
        if (Math.abs((units % 1) - 0.5) < 0.002) x[i]! *= 1 - 0.01 / units;
      }
    }
  }
}

/** Rows of `cols` moved apart to `stride`, and more rows: NaN in between. */
function strided(rows: Float32Array, cols: number, stride: number, more: number): Float32Array {
  const count = rows.length / cols;
  const out = new Float32Array((count + more) * stride).fill(Number.NaN);
  for (let row = 0; row < count; row++) out.set(rows.subarray(row * cols, (row + 1) * cols), row * stride);
  return out;
}
