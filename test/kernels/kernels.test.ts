// Every kernels/**/cases.ts, in every variant that can run, on a device with all features and on one with none.
// A new kernel is tested by having cases.

import { describe, expect, test } from "vitest";
import type { Variant } from "../../kernels/kernel";
import { type KernelCase, viewed } from "../../kernels/testing";
import { disagreement, toleranceOf } from "../support/compare";
import { DEVICE_KINDS, testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

const suites = Object.values(
  import.meta.glob<{ cases: readonly KernelCase[] }>("../../kernels/**/cases.ts", { eager: true }),
);

const adapter: string = import.meta.env.FENNEC_TEST_ADAPTER;
/** Adapters that take seconds for a large pipeline. */
const slow = ["swiftshader", "chromium"].includes(adapter);
/**
 * Linear layers in these formats (and on slow adapters with these options) run everywhere. In the others they run on one device of the adapter that makes pipelines
 * fastest; elsewhere the format's loader is held by its embedding and repacking cases.
 */
const EVERYWHERE = slow
  ? /^linear_((f16|q4_0)(_norm|_accumulate|_norm_sandwich_publish)?|q8_0_norm_int8|q4_0_norm_silu_int8)$/
  : /^linear_(f32|f16|bf16|q8_0|q4_0|q4_k|q6_k)(_|$)/;
/** The shaders of other variants with other numbers: they run in these formats. */
const RENUMBERED = /^(subgroup_2|workgroup_128)$/;
/** These read x in another way, and weights as the others: in these formats too. In the browser their compiler is Node's. */
const STAGED = /_staged$/;
/** Kernels that may round x, in this format: their variants that do not are in the others those of the exact kernels. */
const ROUNDING = /^linear_(?!q4_0_int8).*_int8$/;
/** Long heads make the largest pipelines of all. */
const LONG_HEADS = /attention_\w+_(80|128|256)(_|$)/;

const all = suites.flatMap(({ cases }) => cases);
const common = all.filter(
  ({ kernel: { name } }) => (!name.startsWith("linear_") || EVERYWHERE.test(name)) && !(slow && LONG_HEADS.test(name)),
);
/** The first case of each kernel. */
const first = [...new Map([...common].reverse().map((c) => [c.kernel.name, c])).values()].reverse();

function casesOn(kind: (typeof DEVICE_KINDS)[number]): readonly KernelCase[] {
  if (slow) return first;
  return kind === "full" ? all : common;
}

function leftOut({ kernel }: KernelCase, { name, int8 = false }: Variant): boolean {
  const [renumbered, staged] = [RENUMBERED.test(name), STAGED.test(name)];
  if ((renumbered && slow) || (staged && adapter === "chromium")) return true;
  return ((renumbered || staged) && !EVERYWHERE.test(kernel.name)) || (ROUNDING.test(kernel.name) && !int8);
}

for (const kind of DEVICE_KINDS) {
  const { traits } = await testDevice(kind);
  const notApplicable = new Set<string>();
  const cases = casesOn(kind);
  if (cases.length < all.length)
    console.info(`on the device with ${kind}: without ${all.length - cases.length} cases that run on faster adapters`);

  describe(`on the device with ${kind}`, () => {
    for (const c of cases) {
      const variants = variantsOf(c, traits);
      for (const { name, enable } of variants.notApplicable)
        notApplicable.add(`${c.kernel.name}/${name} (needs ${enable?.join(", ") ?? "more"})`);
      if (variants.run.length === 0)
        test(`${c.kernel.name}: ${c.name}`, () => expect.fail("no variant can run: every device needs one"));
      for (const variant of variants.run.filter((each) => !leftOut(c, each))) {
        test(`${c.kernel.name}/${variant.name}: ${c.name}`, async () => {
          const got = await launch(await testDevice(kind), c, variant);
          for (const [buffer, want] of Object.entries(c.expected(variant)))
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
