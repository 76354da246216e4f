// Packed weights against their defining formulas, bit for bit in f32; whole models against the same weights as F32.

import { describe, expect, test } from "vitest";
import { formatOf } from "../../../kernels/quant/index";
import { openHuggingFace } from "../../../src/hugging_face/open_folder";
import { expectFennecError } from "../../support/expect_error";
import { packedFolder } from "../../support/packed_folder";
import { type PackedOptions, packedMatrix, type Scheme } from "../../support/packed_weights";

interface Case {
  readonly name: string;
  readonly scheme: Scheme;
  readonly options: Omit<PackedOptions, "rows" | "cols" | "seed">;
  /** Of the rows that come out. */
  readonly type: string;
}

const cases: readonly Case[] = [
  { name: "GPTQ, groups of 128", scheme: "gptq", options: { bits: 4, group: 128 }, type: "G4_128" },
  { name: "GPTQ, groups of 32", scheme: "gptq", options: { bits: 4, group: 32 }, type: "G4_32" },
  { name: "GPTQ, 8 bits", scheme: "gptq", options: { bits: 8, group: 64 }, type: "G8_64" },
  { name: "GPTQ v2, zeros as they are", scheme: "gptq_v2", options: { bits: 4, group: 64 }, type: "G4_64" },
  { name: "GPTQ, one scale per row", scheme: "gptq", options: { bits: 4, group: 256 }, type: "G4_128" },
  { name: "AWQ", scheme: "awq", options: { bits: 4, group: 128 }, type: "G4_128" },
  { name: "AWQ, groups of 64", scheme: "awq", options: { bits: 4, group: 64 }, type: "G4_64" },
  { name: "MLX, 4 bits in groups of 64", scheme: "mlx", options: { bits: 4, group: 64 }, type: "G4_64" },
  { name: "MLX, bf16 scales", scheme: "mlx", options: { bits: 4, group: 32, scaleType: "BF16" }, type: "G4_32" },
  {
    name: "MLX, 8 bits in groups of 128",
    scheme: "mlx",
    options: { bits: 8, group: 128, scaleType: "BF16" },
    type: "G8_64",
  },
  {
    name: "compressed-tensors, symmetric",
    scheme: "compressed",
    options: { bits: 4, group: 128, scaleType: "BF16" },
    type: "G4_128",
  },
  {
    name: "compressed-tensors, int8",
    scheme: "compressed",
    options: { bits: 8, group: 64, scaleType: "BF16" },
    type: "G8_64",
  },
  {
    name: "compressed-tensors, zero points",
    scheme: "compressed_zeros",
    options: { bits: 4, group: 32 },
    type: "G4_32",
  },
];

describe.each(cases)("$name", ({ scheme, options, type }) => {
  const matrices = (seed: number) => (rows: number, cols: number, index: number) =>
    packedMatrix(scheme, { ...options, rows, cols, seed: seed + index });

  test("every weight is the formula's, bit for bit", async () => {
    const { folder, weights } = packedFolder(scheme, options, matrices(11));
    const file = await openHuggingFace(folder);
    for (const [name, want] of weights) {
      const tensor = file.tensors.get(name)!;
      expect(tensor.type, name).toBe(type);
      const bytes = await tensor.source.read(tensor.offset, tensor.bytes);
      const got = formatOf(type).dequantize(bytes);
      expect(got.length, name).toBe(want.length);
      expect(
        got.findIndex((value, i) => value !== want[i]),
        name,
      ).toBe(-1);
    }
    expect(weights.size).toBe(7);
  });
});

describe("refused by name", () => {
  const gptq: PackedOptions = { bits: 4, group: 64, rows: 0, cols: 0, seed: 1 };
  const open = (config: object) => {
    const { folder } = packedFolder(
      "gptq",
      gptq,
      (rows, cols) => packedMatrix("gptq", { ...gptq, rows, cols }),
      config,
    );
    return openHuggingFace(folder);
  };

  test.each([
    ["another scheme", { quant_method: "bitsandbytes" }, "bitsandbytes"],
    ["three bits", { quant_method: "gptq", bits: 3, group_size: 64 }, "bits"],
    ["another layout of AWQ", { quant_method: "awq", bits: 4, version: "gemv" }, "gemv"],
    [
      "another format of compressed-tensors",
      { quant_method: "compressed-tensors", format: "float-quantized" },
      "float-quantized",
    ],
  ])("%s", async (_name, quantization_config, word) => {
    await expectFennecError(() => open({ quantization_config }), "file-unsupported", word);
  });

  test("groups that are no whole 32s", async () => {
    const config = { quantization_config: { quant_method: "gptq", bits: 4, group_size: 48 } };
    await expectFennecError(() => open(config), "tensor-shape", "scales");
  });

  test("act-order, when the weights are read", async () => {
    const shuffled = (rows: number, cols: number) => packedMatrix("gptq", { ...gptq, rows, cols, shuffled: true });
    const file = await openHuggingFace(packedFolder("gptq", gptq, shuffled).folder);
    const { source, bytes } = file.tensors.get("blk.0.ffn_up.weight")!;
    await expectFennecError(() => source.read(0, bytes), "file-unsupported", "act-order");
  });
});
