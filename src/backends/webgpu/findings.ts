// What earlier loads found out about this device, for `fennec doctor`.

import { openGpu } from "./device";
import { readVerdict, type Verdict } from "./verdicts";

/** @throws FennecError `webgpu-missing`. */
export async function deviceFindings(gpu: GPU): Promise<Verdict> {
  const { device, verdicts } = await openGpu(gpu);
  device.destroy();
  return readVerdict(verdicts);
}
