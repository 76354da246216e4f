// Packed weights of GPTQ, AWQ, MLX and compressed-tensors files, made from seeded values by the schemes' own rules, each
// with the weights that its formula defines. Written independently of the reader.

import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { random32 } from "./random_weights";
import type { WrittenTensor } from "./safetensors_writer";

export interface PackedMatrix {
  /** By the last component of their names. */
  readonly parts: Readonly<Record<string, WrittenTensor>>;
  /** `[rows, cols]`, f32: each the formula's value rounded once. */
  readonly weights: Float32Array;
}

export interface PackedOptions {
  readonly rows: number;
  readonly cols: number;
  readonly group: number;
  readonly bits: 4 | 8;
  readonly seed: number;
  readonly scaleType?: "F16" | "BF16";
  /** Columns in another order (GPTQ). */
  readonly shuffled?: boolean;
}

export type Scheme = "gptq" | "gptq_v2" | "awq" | "mlx" | "compressed" | "compressed_zeros";

export function packedMatrix(scheme: Scheme, options: PackedOptions): PackedMatrix {
  const { rows, cols, group, bits, seed, scaleType = "F16" } = options;
  const next = random32(seed);
  const groups = cols / group;
  const levels = 2 ** bits;
  const q = Array.from({ length: rows * cols }, () => next() % levels);
  const symmetric = scheme === "compressed";
  const zero = Array.from({ length: rows * groups }, () => (symmetric ? levels / 2 : next() % levels));
  const scaleBits = Array.from({ length: rows * groups }, () =>
    bitsOf((0.5 + next() / 2 ** 32) / levels / 8, scaleType),
  );
  const biasBits = scaleBits.map((_, i) => bitsOf(-zero[i]! * numberOf(scaleBits[i]!, scaleType) * 1.001, scaleType));
  const weights = Float32Array.from(q, (value, i) => {
    const at = Math.floor(i / cols) * groups + Math.floor((i % cols) / group);
    const scale = numberOf(scaleBits[at]!, scaleType);
    return scheme === "mlx" ? scale * value + numberOf(biasBits[at]!, scaleType) : (value - zero[at]!) * scale;
  });

  const perWord = 32 / bits;
  const qAt = (row: number, col: number) => q[row * cols + col]!;
  const zeroAt = (row: number, g: number) => zero[row * groups + g]!;
  const byRow = (of: readonly number[]) => halves([rows, groups], (row, g) => of[row * groups + g]!, scaleType);
  const byColumn = halves([groups, rows], (g, row) => scaleBits[row * groups + g]!, scaleType);
  const alongRow = (dtype: string) =>
    words(dtype, [rows, cols / perWord], bits, (row, word, i) => qAt(row, word * perWord + i));

  if (scheme === "mlx")
    return { parts: { weight: alongRow("U32"), scales: byRow(scaleBits), biases: byRow(biasBits) }, weights };
  if (scheme === "compressed" || scheme === "compressed_zeros") {
    const packedZeros = words("I32", [Math.ceil(rows / perWord), groups], bits, (word, g, i) =>
      word * perWord + i < rows ? zeroAt(word * perWord + i, g) : 0,
    );
    const shape = {
      dtype: "I64",
      shape: [2],
      bytes: new Uint8Array(BigInt64Array.of(BigInt(rows), BigInt(cols)).buffer),
    };
    return {
      parts: {
        weight_packed: alongRow("I32"),
        weight_scale: byRow(scaleBits),
        weight_shape: shape,
        ...(scheme === "compressed_zeros" && { weight_zero_point: packedZeros }),
      },
      weights,
    };
  }
  if (scheme === "awq") {
    const order = [0, 2, 4, 6, 1, 3, 5, 7];
    return {
      parts: {
        qweight: words("I32", [cols, rows / 8], 4, (col, word, i) => qAt(word * 8 + order[i]!, col)),
        qzeros: words("I32", [groups, rows / 8], 4, (g, word, i) => zeroAt(word * 8 + order[i]!, g)),
        scales: byColumn,
      },
      weights,
    };
  }
  const less = scheme === "gptq" ? 1 : 0;
  const order = Int32Array.from({ length: cols }, (_, col) =>
    Math.floor((options.shuffled ? cols - 1 - col : col) / group),
  );
  return {
    parts: {
      qweight: words("I32", [cols / perWord, rows], bits, (word, row, i) => qAt(row, word * perWord + i)),
      qzeros: words(
        "I32",
        [groups, rows / perWord],
        bits,
        (g, word, i) => (zeroAt(word * perWord + i, g) - less + levels) % levels,
      ),
      scales: byColumn,
      g_idx: { dtype: "I32", shape: [cols], bytes: new Uint8Array(order.buffer) },
    },
    weights,
  };
}

/** The config field that names the scheme. */
export function quantizationField(scheme: Scheme, bits: number, group: number): Record<string, unknown> {
  if (scheme === "mlx") return { quantization: { group_size: group, bits } };
  if (scheme === "awq")
    return { quantization_config: { quant_method: "awq", bits, group_size: group, version: "gemm" } };
  if (scheme === "gptq" || scheme === "gptq_v2") {
    return { quantization_config: { quant_method: "gptq", bits, group_size: group, checkpoint_format: scheme } };
  }
  const weights = {
    num_bits: bits,
    group_size: group,
    strategy: "group",
    type: "int",
    symmetric: scheme === "compressed",
  };
  return {
    quantization_config: {
      quant_method: "compressed-tensors",
      format: "pack-quantized",
      config_groups: { group_0: { targets: ["Linear"], weights } },
    },
  };
}

function words(
  dtype: string,
  shape: readonly [number, number],
  bits: number,
  value: (row: number, word: number, index: number) => number,
): WrittenTensor {
  const out = new Uint32Array(shape[0] * shape[1]);
  for (let row = 0; row < shape[0]; row++)
    for (let word = 0; word < shape[1]; word++)
      for (let i = 0; i < 32 / bits; i++) out[row * shape[1] + word]! |= value(row, word, i) << (bits * i);
  return { dtype, shape, bytes: new Uint8Array(out.buffer) };
}

function halves(
  shape: readonly [number, number],
  bits: (row: number, col: number) => number,
  dtype: string,
): WrittenTensor {
  const out = Uint16Array.from({ length: shape[0] * shape[1] }, (_, i) => bits(Math.floor(i / shape[1]), i % shape[1]));
  return { dtype, shape, bytes: new Uint8Array(out.buffer) };
}

function bitsOf(value: number, type: "F16" | "BF16"): number {
  return type === "F16" ? floatToHalf(value) : new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
}

function numberOf(bits: number, type: "F16" | "BF16"): number {
  return type === "F16" ? halfToFloat(bits) : new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}
