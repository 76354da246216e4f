// Dawn's compiler accepts the variants on subgroup matrices, which the other tests' adapters cannot run: for every size of
// matrix that may be chosen, on Dawn's null backend, which offers the feature and executes nothing.

import { beforeAll, describe, expect, test } from "vitest";
import type { DeviceTraits, MatrixSize, Variant } from "../../../kernels/kernel";
import { type LinearOptions, linear } from "../../../kernels/linear/linear";
import { link } from "../../../kernels/linker";
import { formatOf } from "../../../kernels/quant/index";
import { SUBGROUP_MATRIX } from "../../../src/backends/webgpu/subgroup_matrix";

const SIZES: readonly MatrixSize[] = [8, 16].flatMap((m) => [8, 16].flatMap((n) => [8, 16].map((k) => ({ m, n, k }))));
const OPTIONS: readonly (readonly [string, readonly string[], LinearOptions])[] = [
  ["plain", ["Q4_0"], {}],
  ["plain of F32", ["F32"], {}],
  ["plain of Q6_K", ["Q6_K"], {}],
  ["norm, bias and accumulate of a stack", ["Q4_K", "F16", "Q8_0"], { norm: true, bias: true, accumulate: true }],
  ["gathered, gated, of one matrix", ["IQ3_S"], { gather: true, gated: "silu" }],
  ["norm and gate of two matrices", ["MXFP4", "BF16"], { norm: true, gated: "gelu_tanh" }],
  ["eight bits in decoding", ["Q4_0"], { int8: true, norm: true }],
];

let gpu: GPU;
let device: GPUDevice;
beforeAll(async () => {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  const adapter = await gpu.requestAdapter();
  const requiredFeatures: GPUFeatureName[] = [SUBGROUP_MATRIX, "subgroups", "shader-f16"];
  device = await adapter!.requestDevice({ requiredFeatures });
});

const traits: DeviceTraits = {
  f16: true,
  subgroups: true,
  subgroupMin: 32,
  subgroupMax: 32,
  packedDot: true,
  matrixF16: undefined,
  matrixF32: undefined,
  maxInvocations: 1024,
  maxWorkgroupBytes: 32_768,
  software: false,
};

/** Undefined when it accepts the shader. */
async function complaint(code: string): Promise<string | undefined> {
  device.pushErrorScope("validation");
  device.createShaderModule({ code });
  return (await device.popErrorScope())?.message;
}

function variantsFor(types: readonly string[], options: LinearOptions, size: MatrixSize) {
  const kernel = linear(types.map(formatOf), options);
  const own = { ...traits, matrixF16: size, matrixF32: size };
  const variants = kernel.variants.filter(({ name }) => name.startsWith("tile_matrix"));
  const codeOf = (variant: Variant) =>
    link(kernel.name, variant.parts, kernel.bindings, variant.constants?.(256, own), variant.enable);
  return variants.map((variant) => ({ variant, own, code: codeOf(variant) }));
}

describe.each(SIZES)("matrices of $m x $n x $k", (size) => {
  test.each(OPTIONS)("%s", async (_, types, options) => {
    const variants = variantsFor(types, options, size);
    expect(variants.map(({ variant }) => variant.name)).toEqual(["tile_matrix", "tile_matrix_f32"]);
    for (const { variant, own, code } of variants) {
      expect(variant.runs!(own), variant.name).toBe(true);
      expect(await complaint(code), variant.name).toBeUndefined();
    }
  });
});

/** Faults that only a compiler with the types of subgroup matrices finds. */
const FAULTS: readonly (readonly [string, string, string])[] = [
  ["sides exchanged", "MultiplyAccumulate(left, right,", "MultiplyAccumulate(right, left,"],
  ["rows and columns exchanged", "left<Component, MATRIX_K, MATRIX_M>", "left<Component, MATRIX_M, MATRIX_K>"],
  ["another component", "subgroup_matrix_result<f32,", "subgroup_matrix_result<i32,"],
  ["no extension", "enable chromium_experimental_subgroup_matrix;", ""],
];
test.each(FAULTS)("it refuses a shader with %s", async (_, right, wrong) => {
  const { code } = variantsFor(["Q4_0"], {}, { m: 16, n: 16, k: 8 })[0]!;
  expect(code).toContain(right);
  expect(await complaint(code.replace(right, wrong))).toBeDefined();
});

describe("where they do not run", () => {
  const size = { m: 16, n: 16, k: 16 };
  const half = (own: Partial<DeviceTraits>) => {
    const variant = linear([formatOf("Q4_0")]).variants.find(({ name }) => name === "tile_matrix")!;
    return [variant.runs!({ ...traits, matrixF16: size, ...own }), variant.suits({ ...traits, matrixF16: size })];
  };
  test("by themselves nowhere yet", () => expect(half({})).toEqual([true, false]));
  test.each<[string, Partial<DeviceTraits>]>([
    ["without matrices of their components", { matrixF16: undefined, matrixF32: size }],
    ["without f16", { f16: false }],
    ["where a subgroup may be larger than a workgroup", { subgroupMax: 256 }],
    ["where the size of subgroups is not told", { subgroupMin: 0, subgroupMax: 0 }],
    ["with the least workgroup memory that WebGPU guarantees", { maxWorkgroupBytes: 16_384 }],
  ])("%s", (_, own) => expect(half(own)[0]).toBe(false));
});
