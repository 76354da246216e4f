// Every kernels/**/cases.ts, in every variant that can run, on a device with all features and on one with none.
// A new kernel is tested by having cases.

import { describe, expect, test } from "vitest";
import { type KernelCase, viewed } from "../../kernels/testing";
import { disagreement, toleranceOf } from "../support/compare";
import { DEVICE_KINDS, testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

const suites = Object.values(
  import.meta.glob<{ cases: readonly KernelCase[] }>("../../kernels/**/cases.ts", { eager: true }),
);

/**
 * Linear layers in these formats run everywhere. In the others they run on one device of the adapter that makes pipelines
 * fastest; elsewhere the format's loader is held by its embedding and repacking cases.
 */
const EVERYWHERE = /^linear_(f32|f16|bf16|q8_0|q4_0|q4_k|q6_k)(_|$)/;
const all = suites.flatMap(({ cases }) => cases);
const common = all.filter(({ kernel: { name } }) => !name.startsWith("linear_") || EVERYWHERE.test(name));
/** The shaders of other variants with other numbers: their linear layers run in these formats, on the device with everything. */
const RENUMBERED = /^(subgroup_2|workgroup_128)$/;
const slow = ["swiftshader", "chromium"].includes(import.meta.env.FENNEC_TEST_ADAPTER);

for (const kind of DEVICE_KINDS) {
  const { traits } = await testDevice(kind);
  const notApplicable = new Set<string>();
  const cases = kind === "full" && !slow ? all : common;
  if (cases.length < all.length)
    console.info(`on the device with ${kind}: without ${all.length - cases.length} linear layers in rarer formats`);

  describe(`on the device with ${kind}`, () => {
    for (const c of cases) {
      const variants = variantsOf(c, traits);
      for (const { name, enable } of variants.notApplicable)
        notApplicable.add(`${c.kernel.name}/${name} (needs ${enable?.join(", ") ?? "more"})`);
      if (variants.run.length === 0)
        test(`${c.kernel.name}: ${c.name}`, () => expect.fail("no variant can run: every device needs one"));
      const rare = kind !== "full" || !EVERYWHERE.test(c.kernel.name);
      const ran = variants.run.filter(({ name }) => !(rare && RENUMBERED.test(name) && variants.run.length > 2));
      for (const variant of ran) {
        test(`${c.kernel.name}/${variant.name}: ${c.name}`, async () => {
          const got = await launch(await testDevice(kind), c, variant);
          for (const [buffer, want] of Object.entries(c.expected()))
            expect(
              disagreement(viewed(c, buffer, got.get(buffer)!), want, toleranceOf(c, variant.enable)),
              buffer,
            ).toBeUndefined();
        });
      }
    }
  });

  if (notApplicable.size > 0) console.info(`not applicable on the device with ${kind}:`, [...notApplicable].join("; "));
}
