// Which pipelines some work makes: a variant that the adapter lacks would fall back in silence.

import { vi } from "vitest";
import { testGpu } from "./gpu";

/** Labels of the pipelines (kernel/variant/rows) that are made while `work` runs. */
export async function pipelinesOf<T>(work: () => Promise<T>): Promise<{ result: T; labels: string[] }> {
  await testGpu();
  const labels: string[] = [];
  const make = vi.spyOn(GPUDevice.prototype, "createComputePipelineAsync");
  const result = await work();
  for (const [{ label }] of make.mock.calls) labels.push(label ?? "");
  make.mockRestore();
  return { result, labels };
}
