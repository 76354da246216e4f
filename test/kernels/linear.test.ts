// A token's logits must not depend on who else is in the batch: the same bits alone and in every bucket of rows.

import { describe, expect, test } from "vitest";
import { ROW_BUCKETS } from "../../kernels/kernel";
import { at } from "../../kernels/linear/cases";
import { formatOf } from "../../kernels/quant/index";
import { DEVICE_KINDS, testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

/** Several groups of 32 columns per lane on the adapters at hand, the last one partly filled. */
const matrix = { rows: 5, cols: 1100 };

function inBucket(xRows: number) {
  return at(`${xRows} rows`, formatOf("F16"), { xRows, ...matrix }, { norm: true });
}

for (const kind of DEVICE_KINDS) {
  const { traits } = await testDevice(kind);
  describe(`equal bits in every bucket, on the device with ${kind}`, () => {
    test.each(variantsOf(inBucket(1), traits).run)("$name", async (variant) => {
      const device = await testDevice(kind);
      const results: Uint32Array[] = [];
      for (const bucket of ROW_BUCKETS)
        results.push(new Uint32Array((await launch(device, inBucket(bucket), variant)).get("y")!));
      const largest = results.at(-1)!;
      expect(new Float32Array(largest.buffer).every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
      for (const [index, bits] of results.entries())
        expect(bits, `bucket of ${ROW_BUCKETS[index]}`).toEqual(largest.subarray(0, bits.length));
    });
  });
}
