// A linear layer over quantized weights, with what often comes before and after it: RMSNorm of its input, a bias, the
// addition to a residual, a gate. One definition serves every weight format and stacks of several.

import type { UnaryKind } from "../../src/graph/graph";
import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import { ACTIVATIONS } from "../elementwise/elementwise";
import { type Bindings, defineKernel, type Kernel, type ParamTypes } from "../kernel";
import type { Part } from "../linker";
import { loaderParts, type WeightFormat } from "../quant/format";
import integersWgsl from "../quant/integers.wgsl?raw";
import { fewRowsVariants, int8Variants } from "./few_rows";
import inputPlain from "./input_plain.wgsl?raw";
import linearWgsl from "./linear.wgsl?raw";
import rowsGated from "./rows_gated.wgsl?raw";
import rowsPlain from "./rows_plain.wgsl?raw";
import sandwichWgsl from "./sandwich.wgsl?raw";
import sandwichOnly from "./sandwich_only.wgsl?raw";
import sandwichPublish from "./sandwich_publish.wgsl?raw";
import type { LinearShape } from "./shape";
import stack1 from "./stack_1.wgsl?raw";
import stack2 from "./stack_2.wgsl?raw";
import stack3 from "./stack_3.wgsl?raw";
import stackInt8One from "./stack_int8_1.wgsl?raw";
import stackInt8Two from "./stack_int8_2.wgsl?raw";
import stackInt8Three from "./stack_int8_3.wgsl?raw";
import { tileVariants } from "./tiles";

export interface LinearOptions {
  /** RMSNorm of x on the way in: gain at `gain_at`, `eps`. */
  readonly norm?: boolean;
  /** Adds the biases at `bias_at`, those of all matrices one after the other. */
  readonly bias?: boolean;
  /** Adds to y instead of overwriting it. */
  readonly accumulate?: boolean;
  /** x has a row per token and y a row per output: row m of y is made from row `output_row(m)` of x. */
  readonly gather?: boolean;
  /**
   * The stack is [gate; up], with as many rows each, in one matrix or two: y has their product activation(gate) · up.
   * Not together with `accumulate`.
   */
  readonly gated?: UnaryKind;
  /**
   * Gemma's sandwich norm, with `norm`: what is normed and multiplied is `x + rms_norm(add)`, gain at `add_gain_at`,
   * `add_eps`. `publish` also writes it to `x_out`. Serves up to 16 rows.
   */
  readonly sandwich?: "publish" | "only";
  /**
   * x is rounded to eight bits per 32 columns and multiplied as integers: lossy (some 0.4 % of x) and fast. For formats with
   * `integers`, on devices with {@link DeviceTraits.packedDot}. With more than 16 rows a variant that does not round may be
   * used instead.
   */
  readonly int8?: boolean;
}

/** Matrices that one kernel reads at most. */
export const MOST_MATRICES = 3;
const STACKS = [stack1, stack2, stack3];
const INT8_STACKS = [stackInt8One, stackInt8Two, stackInt8Three];
const PREFIXES = ["a_", "b_", "c_"];

/**
 * `y[m, y_at + r] (+)= sum over k of w[r, k] · x[m, k] (+ bias[r])`. The rows r are those of one to three matrices with the
 * same columns, one after the other, each in a buffer and a format of its own: bindings `w_0`, `w_1`, `w_2`; parameters
 * `rows_0`, `section_0_1`, ... Meaning, units and shapes of the parameters: `struct Params` of linear.wgsl.
 *
 * Up to 16 rows, a row's result does not depend on the number of rows: equal bits alone and in a batch.
 */
export function linear(formats: readonly WeightFormat[], options: LinearOptions = {}): Kernel {
  const { norm = false, bias = false, accumulate = false, gather = false, gated, sandwich, int8 = false } = options;
  const name = nameOf(formats, options);
  if (formats.length === 0 || formats.length > (gated ? 2 : MOST_MATRICES))
    throw new Error(`kernel ${name}: ${formats.length} matrices`);
  const lacking = formats.find(({ integers }) => integers === undefined);
  if (int8 && lacking) throw new Error(`kernel ${name}: weights of ${lacking.type} are not whole numbers`);
  if ((gated && accumulate) || (sandwich && !norm)) throw new Error(`kernel ${name}: these options do not go together`);

  const shared: readonly Part[] = [
    ...(int8 ? [{ wgsl: integersWgsl }] : []),
    ...formats.flatMap((format, at) =>
      loaderParts(format, { prefix: PREFIXES[at]!, matrix: `w_${at}`, integers: int8 }),
    ),
    ...[batch, grid, linearWgsl, STACKS[formats.length - 1]!].map((wgsl) => ({ wgsl })),
    ...(int8 ? [{ wgsl: INT8_STACKS[formats.length - 1]! }] : []),
    ...(gated ? [ACTIVATIONS[gated], rowsGated] : [rowsPlain]).map((wgsl) => ({ wgsl })),
  ];
  const input = sandwich ? [sandwichWgsl, sandwich === "publish" ? sandwichPublish : sandwichOnly] : [inputPlain];
  const shape: LinearShape = {
    shared,
    input: input.map((wgsl) => ({ wgsl })),
    flags: {
      MATRICES: formats.length,
      NORM: Number(norm),
      BIAS: Number(bias),
      ACCUMULATE: Number(accumulate),
      GATHER: Number(gather),
    },
    gated: gated !== undefined,
    int8,
    bits: Math.max(...formats.map(({ blockBytes, blockWeights }) => (8 * blockBytes) / blockWeights)),
  };
  return defineKernel({
    name,
    bindings: bindingsOf(formats.length, sandwich),
    params: paramsOf(formats.length),
    variants: [...(int8 ? int8Variants(shape) : fewRowsVariants(shape)), ...(sandwich ? [] : tileVariants(shape))],
    madeFrom: [formats, options] satisfies Parameters<typeof linear>,
  });
}

function nameOf(formats: readonly WeightFormat[], options: LinearOptions): string {
  const { norm, bias, accumulate, gather, gated, sandwich, int8 } = options;
  const words = [
    "linear",
    ...formats.map(({ type }) => type.toLowerCase()),
    norm && "norm",
    bias && "bias",
    accumulate && "accumulate",
    gather && "gather",
    gated,
    sandwich && `sandwich_${sandwich}`,
    int8 && "int8",
  ];
  return words.filter((word) => word).join("_");
}

function bindingsOf(matrices: number, sandwich: LinearOptions["sandwich"]): Bindings {
  return {
    params: "uniform",
    batch: "uniform",
    x: "read",
    ...(sandwich && { add: "read" }),
    ...Object.fromEntries(Array.from({ length: matrices }, (_, at) => [`w_${at}`, "read"] as const)),
    vectors: "read",
    ...(sandwich === "publish" && { x_out: "read_write" }),
    y: "read_write",
  };
}

function paramsOf(matrices: number): ParamTypes {
  const ofMatrix = (at: number) => [`rows_${at}`, `section_${at}_1`, `section_${at}_2`, `section_${at}_3`];
  const names = Array.from({ length: matrices }, (_, at) => ofMatrix(at)).flat();
  return {
    ...Object.fromEntries(names.map((name) => [name, "u32"] as const)),
    cols: "u32",
    x_stride: "u32",
    y_at: "u32",
    y_stride: "u32",
    gain_at: "u32",
    bias_at: "u32",
    eps: "f32",
    on_outputs: "u32",
    add_gain_at: "u32",
    add_eps: "f32",
  };
}
