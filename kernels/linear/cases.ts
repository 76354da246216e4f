import type { WeightFormat } from "../quant/format";
import { FORMATS, formatOf } from "../quant/index";
import type { KernelCase } from "../testing";
import { at, type LinearCaseOptions } from "./case";
import type { LinearOptions } from "./linear";

const ALL = { norm: true, bias: true, accumulate: true };
const SANDWICH = { norm: true, sandwich: "publish" } as const;
const f16 = formatOf("F16");
const q4 = formatOf("Q4_0");
const q8 = formatOf("Q8_0");
const q6 = formatOf("Q6_K");
const prefilled = new Set(["F16", "Q4_0", "Q6_K"]);

/** The least columns that are whole blocks of every format and at least three groups of 32. */
function colsFor(formats: readonly WeightFormat[]): number {
  const block = Math.max(...formats.map(({ blockWeights }) => blockWeights));
  return block * Math.ceil(96 / block);
}

/** Decode, and prefill where the kernel serves it: each format alone, and the self-test of any linear. */
export function smallLinearCases(formats: readonly WeightFormat[], options: LinearOptions = {}): readonly KernelCase[] {
  const { gated, gather, sandwich } = options;
  const sizes = { rows: formats.map(() => (gated ? 10 : 9)), cols: colsFor(formats) };
  const one = at("one row", formats, { xRows: 1, ...sizes }, options);
  // A step has fewer outputs, and the sandwich norm is decode's.
  if (gather || sandwich) return [one];
  return [one, at("prefill of 17, one more than decode takes", formats, { xRows: 17, ...sizes }, options)];
}

/** Many rows of a narrow matrix: a thousand distinct ones again and again, so that the reference stays small. */
function folded(): KernelCase {
  const [distinct, times, cols] = [1000, 528, 32];
  const small = at("", q4, { xRows: 1, rows: distinct, cols });
  const rows = distinct * times;
  const { bytes, sections } = q4.layout(rows, cols);
  const [words, pattern] = [new Uint32Array(bytes / 4), small.buffers.w_0 as Uint32Array];
  const scalesOfPattern = q4.layout(distinct, cols).sections[1];
  for (let time = 0; time < times; time++) {
    words.set(pattern.subarray(0, 4 * distinct), 4 * distinct * time);
    words.set(pattern.subarray(scalesOfPattern), sections[1] + (distinct / 2) * time);
  }
  return {
    ...small,
    name: "more than 65,535 workgroups of 8 rows",
    params: { ...small.params, rows_0: rows, y_stride: rows, section_0_1: sections[1] },
    buffers: { ...small.buffers, w_0: words, y: { words: rows } },
    expected: (variant) => {
      const y = small.expected(variant).y!;
      return { y: Float64Array.from({ length: rows }, (_, row) => y[row % distinct]!) };
    },
  };
}

type Shape = readonly [string, readonly WeightFormat[], readonly number[], number, LinearCaseOptions];

/** For what computes in f16: of x, not of the sums, which the norm makes equal. */
const sizes: readonly (readonly [string, LinearCaseOptions])[] = [
  ["columns of growing size", { sizeOf: (_, column) => 64 ** (column >> 5) }],
  ["columns of falling size", { sizeOf: (_, column) => 64 ** -(column >> 5) }],
  ["rows of very different size", { amplitude: 1e6, sizeOf: (row) => 10 ** -(row % 6) }],
];

/** Every option alone and with others, for decoding and prefill. */
const shapes: readonly Shape[] = [
  ["gated, one matrix", [q4], [74], 96, { gated: "silu" }],
  ["gated, two matrices", [q4, f16], [37, 37], 96, { gated: "gelu_tanh" }],
  ["norm and gate", [q4], [74], 96, { norm: true, gated: "silu" }],
  ["norm, bias and gate, two matrices", [q4, f16], [37, 37], 96, { norm: true, bias: true, gated: "silu" }],
  ["two matrices, rows of which fill no workgroup", [q4, f16], [37, 5], 96, { bias: true }],
  ["three matrices, rows of which fill no workgroup", [q4, f16, q4], [37, 1, 70], 96, ALL],
  ["a stack into a part of y", [q4, f16], [9, 130], 96, { yAt: 11, bias: true, accumulate: true }],
  ["rows of x longer than the columns", [f16], [9], 172, { norm: true, xMore: 20 }],
];

/** In formats with whole numbers: those of one scale per group, of two (Q6_K), with an offset and without (Q8_0). */
const int8Shapes: readonly Shape[] = [
  ["gated, one matrix", [q4], [74], 96, { norm: true, gated: "silu" }],
  ["gated, two matrices", [q4, q8], [37, 37], 96, { norm: true, bias: true, gated: "gelu_tanh" }],
  ["three matrices, rows of which fill no workgroup", [q4, q8, q6], [37, 1, 70], 256, ALL],
  ["a stack into a part of y", [q6, q8], [9, 130], 256, { yAt: 11, bias: true, accumulate: true }],
  ["rows of x longer than the columns", [q8], [9], 160, { norm: true, xMore: 20 }],
  ["norm of tiny values, where eps matters", [q8], [9], 160, { norm: true, amplitude: 1e-3 }],
  ["values past the largest f16", [q8], [9], 160, { norm: true, amplitude: 1e6 }],
  ["subnormal scales", [q4], [9], 96, { subnormal: true }],
];

export const cases: readonly KernelCase[] = [
  // Prefill in some formats only, for the compile time of software adapters: the loaders are pinned by embed's cases.
  ...[...FORMATS.values()].flatMap((format) => smallLinearCases([format]).slice(0, prefilled.has(format.type) ? 2 : 1)),
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
  ...sizes.map(([name, options]) =>
    at(`${name}, prefill`, f16, { xRows: 17, rows: 9, cols: 172 }, { norm: true, ...options }),
  ),
  at("accumulate alone", f16, { xRows: 1, rows: 9, cols: 172 }, { accumulate: true }),
  at("norm, bias and accumulate", f16, { xRows: 1, rows: 9, cols: 172 }, ALL),
  at("norm, bias and accumulate, prefill", f16, { xRows: 17, rows: 9, cols: 172 }, ALL),
  at("a part of a matrix writes its columns only", f16, { xRows: 3, rows: 37, cols: 172 }, { yAt: 11 }),
  at("a part of a matrix, prefill", f16, { xRows: 17, rows: 37, cols: 172 }, { yAt: 11 }),
  ...shapes.flatMap(([name, formats, rows, cols, options]) => [
    at(name, formats, { xRows: 3, rows, cols }, options),
    at(`${name}, prefill`, formats, { xRows: 17, rows, cols }, options),
  ]),
  at("12 outputs gathered from 42 rows", q4, { xRows: 12, rows: 9, cols: 96 }, { gather: true }),
  at("outputs gathered, norm", f16, { xRows: 3, rows: 37, cols: 172 }, { gather: true, norm: true, xMore: 4 }),
  at("sandwich, published", f16, { xRows: 3, rows: 37, cols: 172 }, { ...SANDWICH, xMore: 20 }),
  at("sandwich, published by one row", q4, { xRows: 1, rows: 9, cols: 96 }, SANDWICH),
  at("sandwich of 16 rows, gated", q4, { xRows: 16, rows: 74, cols: 96 }, { ...SANDWICH, gated: "gelu_tanh" }),
  at("sandwich of a stack of three", [q4, f16, q4], { xRows: 2, rows: [9, 37, 5], cols: 96 }, SANDWICH),
  at("sandwich and gather", f16, { xRows: 3, rows: 37, cols: 172 }, { norm: true, sandwich: "only", gather: true }),
  ...[...FORMATS.values()]
    .filter(({ integers }) => integers)
    .flatMap((format) => smallLinearCases([format], { int8: true })),
  at("int8, against x as it was", q4, { xRows: 3, rows: 37, cols: 96 }, { int8: true, exact: true }),
  at(
    "int8 and norm, more columns than memory holds",
    q8,
    { xRows: 1, rows: 5, cols: 4512 },
    { norm: true, int8: true },
  ),
  at("int8, 16 rows, norm", q4, { xRows: 16, rows: 37, cols: 320 }, { norm: true, int8: true }),
  at("int8, gated, two matrices", [q4, q8], { xRows: 2, rows: [37, 37], cols: 160 }, { gated: "silu", int8: true }),
  at("int8, sandwich", q4, { xRows: 3, rows: 37, cols: 160 }, { ...SANDWICH, int8: true, exact: true }),
  at("int8, prefill, against x as it was", q4, { xRows: 17, rows: 37, cols: 96 }, { int8: true, exact: true }),
  at("int8, 129 rows: tiles full and of one row", q8, { xRows: 129, rows: 70, cols: 64 }, { norm: true, int8: true }),
  ...int8Shapes.map(([name, formats, rows, cols, options]) =>
    at(`int8, prefill, ${name}`, formats, { xRows: 17, rows, cols }, { ...options, int8: true }),
  ),
  at("sandwich, more columns than a team has lanes times 32", q4, { xRows: 2, rows: 3, cols: 32 * 65 }, SANDWICH),
];
