// The lines of fennec doctor about kernels that were wrong or tuned on this device.

import { expect, test } from "vitest";
import { findingsText } from "../../../src/cli/findings_text";

test("says that nothing was found out yet", () => {
  const text = findingsText({});
  expect(text).toMatch(/wrong kernels +none found so far/);
  expect(text).toMatch(/tuned kernels +none so far/);
});

test("names wrong variants, and choices with their times", () => {
  const text = findingsText({
    selfTest: { passed: ["rope/subgroup 1"], refused: { "rms_norm/subgroup 2": "error 0.5" } },
    tuning: {
      "linear_q4_k decode of a, b, c on rows_0=8,cols=4 rows_0=4,cols=4": {
        order: ["b", "a", "c"],
        milliseconds: { a: 0.02, b: 0.0125 },
      },
    },
  });
  expect(text).toMatch(/wrong kernels +1, not used/);
  expect(text).toMatch(/rms_norm\/subgroup 2 +error 0.5/);
  expect(text).toMatch(/tuned kernels +1\n/);
  expect(text).toMatch(/linear_q4_k decode, shapes: 2 +b 12.5 us, a 20.0 us, c\n/);
});
