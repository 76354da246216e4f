import { expect, test } from "vitest";
import { testAdapter } from "../support/gpu";

test("adapter", async () => {
  const a = await testAdapter();
  console.log(
    import.meta.env.FENNEC_TEST_ADAPTER,
    a.info.vendor,
    a.info.architecture,
    a.info.device,
    a.info.description,
    a.info.isFallbackAdapter,
    [...a.features].join(","),
    a.limits.maxStorageBufferBindingSize,
  );
  expect(a).toBeTruthy();
});
