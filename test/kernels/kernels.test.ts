// Every kernels/**/cases.ts, in every variant that can run, on a device with all features and on one with none.
// A new kernel is tested by having cases.

import { describe, expect, test } from "vitest";
import type { KernelCase } from "../../kernels/testing";
import { disagreement, toleranceOf } from "../support/compare";
import { DEVICE_KINDS, testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

const suites = Object.values(
  import.meta.glob<{ cases: readonly KernelCase[] }>("../../kernels/**/cases.ts", { eager: true }),
);

for (const kind of DEVICE_KINDS) {
  const { traits } = await testDevice(kind);
  const notApplicable = new Set<string>();

  describe(`on the device with ${kind}`, () => {
    for (const c of suites.flatMap(({ cases }) => cases)) {
      const variants = variantsOf(c, traits);
      for (const { name, enable } of variants.notApplicable)
        notApplicable.add(`${c.kernel.name}/${name} (needs ${enable?.join(", ") ?? "more"})`);
      if (variants.run.length === 0)
        test(`${c.kernel.name}: ${c.name}`, () => expect.fail("no variant can run: every device needs one"));
      for (const variant of variants.run) {
        test(`${c.kernel.name}/${variant.name}: ${c.name}`, async () => {
          const got = await launch(await testDevice(kind), c, variant);
          for (const [buffer, want] of Object.entries(c.expected()))
            expect(disagreement(got.get(buffer)!, want, toleranceOf(c, variant.enable)), buffer).toBeUndefined();
        });
      }
    }
  });

  if (notApplicable.size > 0) console.info(`not applicable on the device with ${kind}:`, [...notApplicable].join("; "));
}
