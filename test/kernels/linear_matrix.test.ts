// The tiled variants on subgroup matrices where there are none: with the multiplication of a matrix in plain WGSL, so that
// all around it is tested on every adapter, for matrices of every size and for subgroups of any. On the real ones:
// test/matrix.

import { describe, expect, test } from "vitest";
import type { DeviceTraits, MatrixSize, Variant } from "../../kernels/kernel";
import { cases } from "../../kernels/linear/cases";
import subgroupMatrix from "../../kernels/linear/subgroup_matrix.wgsl?raw";
import type { KernelCase } from "../../kernels/testing";
import { disagreement, toleranceOf } from "../support/compare";
import { testDevice } from "../support/gpu";
import { launch } from "../support/launch";
import inWgsl from "./subgroup_matrix_in_wgsl.wgsl?raw";

const slow = ["swiftshader", "chromium"].includes(import.meta.env.FENNEC_TEST_ADAPTER);
const SQUARE: MatrixSize = { m: 8, n: 8, k: 8 };
/** No two sides can be exchanged unseen. */
const OBLONG: MatrixSize = { m: 16, n: 8, k: 8 };
const SIZES: readonly MatrixSize[] = [SQUARE, OBLONG, { m: 8, n: 16, k: 16 }, { m: 16, n: 16, k: 16 }];

const TILES = "128 rows, two tiles of x and of w";
/** What a tile does beyond multiplying. */
const NAMES = [
  "three matrices, rows of which fill no workgroup, prefill",
  "norm, bias and gate, two matrices, prefill",
  "columns of growing size, prefill",
  "rows of very different size, prefill",
];
const named = (name: string) => cases.find((c) => c.name === name)!;

const device = await testDevice("full");

function emulated(c: KernelCase, name: string): Variant {
  const variant: Variant = c.kernel.variants.find((each) => each.name === name)!;
  return {
    ...variant,
    constants: (rows, traits) => ({ ...variant.constants!(rows, traits), LANES: device.traits.subgroupMin }),
    enable: variant.enable!.filter((feature) => feature !== "chromium_experimental_subgroup_matrix"),
    parts: variant.parts.map((part) => (part.wgsl === subgroupMatrix ? { wgsl: inWgsl } : part)),
  };
}

async function agrees(c: KernelCase, name: string, more: Partial<DeviceTraits>): Promise<void> {
  const variant = emulated(c, name);
  const got = await launch({ ...device, traits: { ...device.traits, ...more } }, c, variant);
  expect(disagreement(got.get("y")!, c.expected(variant).y!, toleranceOf(c, variant.enable))).toBeUndefined();
}

test("the device has subgroups", () => expect(device.traits.subgroups).toBe(true));

// On adapters that take long to compile only the one below.
test.each(slow ? [] : [SQUARE, OBLONG])("in f32, matrices of $m x $n x $k", (size) =>
  agrees(named(TILES), "tile_matrix_f32", { matrixF32: size }),
);

if (device.traits.f16)
  describe("in f16", () => {
    test.each(SIZES)("matrices of $m x $n x $k", (size) => agrees(named(TILES), "tile_matrix", { matrixF16: size }));
    test.each(NAMES)("%s", (name) => agrees(named(name), "tile_matrix", { matrixF16: OBLONG }));
  });

// A driver may use smaller subgroups than the largest it tells of: then there are more than the tile has parts.
const larger = (slow ? [32] : [32, 128]).filter((size) => size > device.traits.subgroupMax);
test.each(larger)("subgroups of %i at most, and smaller ones in fact", (subgroupMax) =>
  agrees(named(TILES), "tile_matrix_f32", { matrixF32: OBLONG, subgroupMax }),
);
