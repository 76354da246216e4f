// Linear on subgroup matrices, on a device that has them: its cases in every weight format, and subgroups that share a part.

import { afterAll, expect, test } from "vitest";
import type { Variant } from "../../kernels/kernel";
import { cases, smallLinearCases } from "../../kernels/linear/cases";
import { FORMATS } from "../../kernels/quant/index";
import type { KernelCase } from "../../kernels/testing";
import { caseError } from "../../src/backends/webgpu/run_case";
import { disagreement, toleranceOf } from "../support/compare";
import { testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

const device = await testDevice("full");

/** The largest error of any case by its tolerance, for the reader. */
const worst = new Map<number, number>();
afterAll(() => {
  for (const [tolerance, error] of worst)
    console.info(`worst of linear on subgroup matrices: ${error.toExponential(2)}, bound ${tolerance}`);
});

/** In every variant on subgroup matrices that the device can run. @param subgroupMax As if its subgroups might be as large. */
async function agrees(c: KernelCase, subgroupMax = device.traits.subgroupMax): Promise<void> {
  const traits = { ...device.traits, subgroupMax };
  const isMatrix = ({ name }: Variant) => name.startsWith("tile_matrix");
  const variants = variantsOf(c, traits).run.filter(isMatrix);
  expect(variants).not.toHaveLength(0);
  for (const variant of variants) {
    const got = await launch({ ...device, traits }, c, variant);
    const [y, want, tolerance] = [got.get("y")!, c.expected(variant).y!, toleranceOf(c, variant.enable)];
    worst.set(tolerance, Math.max(worst.get(tolerance) ?? 0, caseError(y, want).error));
    expect(disagreement(y, want, tolerance), variant.name).toBeUndefined();
  }
}

test("the device has subgroup matrices", () => {
  expect(device.traits.matrixF16 ?? device.traits.matrixF32).toBeDefined();
});

const prefills = cases.filter(({ rows = 1 }) => rows > 16);
test.each(prefills)("$kernel.name: $name", (c) => agrees(c));

const known = new Set(prefills.map(({ kernel }) => kernel.name));
const others = [...FORMATS.values()]
  .flatMap((format) => smallLinearCases([format]).slice(1))
  .filter(({ kernel }) => !known.has(kernel.name));
test.each(others)("$kernel.name: $name", (c) => agrees(c));

const tiles = cases.find(({ name }) => name === "128 rows, two tiles of x and of w")!;
const larger = [16, 32, 64, 128].filter((size) => size > device.traits.subgroupMax);
if (device.traits.subgroupMin === device.traits.subgroupMax)
  test.each(larger)("subgroups of %i at most, and smaller ones in fact", (size) => agrees(tiles, size));
