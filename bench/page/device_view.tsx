// Where this runs, and what makes its numbers worth less.

import { browserOf } from "./device_facts";
import type { DeviceFacts } from "./result";

export function DeviceView({ device, warnings }: { device: DeviceFacts; warnings: readonly string[] }) {
  const facts = [
    ["GPU", device.adapter],
    ["Browser", browserOf(device.userAgent)],
    ["Processor", `${device.cores} threads${device.memoryGb ? `, ${device.memoryGb} GB or more` : ""}`],
    ["f16 in shaders", device.features.includes("shader-f16") ? "yes" : "no"],
    ["Subgroups", device.features.includes("subgroups") ? "yes" : "no"],
  ];
  return (
    <section aria-label="This device">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
    </section>
  );
}
