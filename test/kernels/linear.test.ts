// What linear promises beyond its cases: a token's result does not depend on who else is in the batch, grids may be
// folded anywhere, and every format goes together with every variant.

import { describe, expect, test } from "vitest";
import { type Grid, ROW_BUCKETS, type Variant } from "../../kernels/kernel";
import { at } from "../../kernels/linear/case";
import { linear } from "../../kernels/linear/linear";
import { link } from "../../kernels/linker";
import { loaderParts } from "../../kernels/quant/format";
import { FORMATS, formatOf } from "../../kernels/quant/index";
import type { KernelCase } from "../../kernels/testing";
import { disagreement, toleranceOf } from "../support/compare";
import { DEVICE_KINDS, type DeviceKind, type GpuTestDevice, testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

/**
 * Several groups of 32 columns per lane on the adapters at hand, more than the 64 that a workgroup's memory holds, the
 * last one partly filled. So many that the squares of the first row differ when they are added in another order: for many
 * other numbers they are the same by luck.
 */
const cols = 2060;

/** Adapters that take seconds for a large pipeline: lavapipe runs every bucket. */
const adapter: string = import.meta.env.FENNEC_TEST_ADAPTER;
const slow = ["swiftshader", "chromium"].includes(adapter);
/** Node runs these on the same adapter. */
const leftOut = (name: string) => adapter === "chromium" && name.endsWith("_staged");

/** What goes before and after a sum must not depend on the bucket either. */
const f16 = formatOf("F16");
const ways: readonly {
  readonly name: string;
  readonly kinds: readonly DeviceKind[];
  readonly buckets: readonly number[];
  readonly inBucket: (xRows: number) => KernelCase;
}[] = [
  {
    name: "norm",
    kinds: DEVICE_KINDS,
    buckets: slow ? [1, 4, 16] : ROW_BUCKETS,
    inBucket: (xRows) => at(`${xRows} rows`, f16, { xRows, rows: 5, cols }, { norm: true }),
  },
  {
    name: "two formats, gated, after a sandwich norm",
    kinds: ["full"],
    buckets: [1, 2, 16],
    inBucket: (xRows) =>
      at(
        `${xRows} rows`,
        [f16, formatOf("BF16")],
        { xRows, rows: [5, 5], cols },
        { norm: true, gated: "silu", sandwich: "publish" },
      ),
  },
  {
    name: "x in eight bits",
    kinds: ["full"],
    buckets: [1, 4, 16],
    inBucket: (xRows) =>
      at(`${xRows} rows`, formatOf("Q4_0"), { xRows, rows: 5, cols: 1120 }, { norm: true, int8: true }),
  },
];

/** The case's own rows of each output, as bits. */
async function rowsOf(device: GpuTestDevice, c: KernelCase, variant: Variant): Promise<Map<string, Uint32Array>> {
  const strides: Readonly<Record<string, number | undefined>> = { y: c.params.y_stride, x_out: c.params.x_stride };
  const outputs = [...(await launch(device, c, variant))];
  return new Map(outputs.map(([name, bytes]) => [name, new Uint32Array(bytes, 0, c.rows! * strides[name]!)]));
}

for (const { name, kinds, buckets, inBucket } of ways) {
  for (const kind of kinds) {
    const { traits } = await testDevice(kind);
    describe(`equal bits in every bucket, ${name}, on the device with ${kind}`, () => {
      const variants = variantsOf(inBucket(1), traits).run.filter((variant) => !leftOut(variant.name));
      test.each(variants)("$name", async (variant) => {
        const device = await testDevice(kind);
        const results: Map<string, Uint32Array>[] = [];
        for (const bucket of buckets) results.push(await rowsOf(device, inBucket(bucket), variant));
        for (const [buffer, bits] of results.at(-1)!) {
          const values = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
          expect(values.every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
          for (const [index, result] of results.entries()) {
            const got = result.get(buffer)!;
            expect(got, `${buffer} in the bucket of ${buckets[index]}`).toEqual(bits.subarray(0, got.length));
          }
        }
      });
    });
  }
}

/** As if a grid could have two workgroups along x at most. */
function narrow(variant: Variant): Variant {
  return {
    ...variant,
    grid(params, rows, traits, step): Grid {
      const [x, y, z] = variant.grid(params, rows, traits, step);
      return [2, Math.ceil((x * y) / 2), z];
    },
  };
}

for (const kind of DEVICE_KINDS) {
  const { traits } = await testDevice(kind);
  describe(`a folded grid, on the device with ${kind}`, () => {
    const folded = [1, 17].map((xRows) => at(`${xRows} rows`, formatOf("F16"), { xRows, rows: 200, cols: 32 }));
    for (const c of folded)
      test.each(variantsOf(c, traits).run)(`${c.name}, $name`, async (variant) => {
        const got = await launch(await testDevice(kind), c, narrow(variant));
        expect(disagreement(got.get("y")!, c.expected(variant).y!, toleranceOf(c, variant.enable))).toBeUndefined();
      });
  });
}

async function compilerSays(code: string): Promise<GPUError | null> {
  const { device } = await testDevice("full");
  device.pushErrorScope("validation");
  device.createShaderModule({ code });
  return device.popErrorScope();
}

test.each([...FORMATS.values()])("the compiler accepts every variant for $type", async (format) => {
  const { traits } = await testDevice("full");
  const kernel = linear([format], { norm: true, bias: true, accumulate: true });
  for (const variant of kernel.variants.filter((each) => (each.runs ?? each.suits)(traits))) {
    const constants = variant.constants?.(variant.rows?.[0] ?? 1, traits);
    const code = link(kernel.name, variant.parts, kernel.bindings, constants, variant.enable);
    expect((await compilerSays(code))?.message ?? null, variant.name).toBeNull();
  }
});

test.each([...FORMATS.values()])("the compiler accepts $type beside another format in one kernel", async (format) => {
  const main = `@compute @workgroup_size(1) fn main() { _ = q_weights_32(0u, vec4u())[0] + v_weights_32(0u, vec4u())[0]; }`;
  const parts = [
    ...loaderParts(format, { prefix: "q_" }),
    ...loaderParts(formatOf("Q4_K"), { prefix: "v_" }),
    { wgsl: main },
  ];
  expect(await compilerSays(link("two_formats", parts, { q_w: "read", v_w: "read" }))).toBeNull();
});
