// What loads found out about this device, as fennec doctor prints it.

import type { Choice } from "../backends/webgpu/tune";
import type { Verdict } from "../backends/webgpu/verdicts";
import { table } from "./command";

/** What loads found out on this device: variants that were wrong, and those that were fastest. */
export function findingsText({ selfTest, tuning = {} }: Verdict): string {
  const wrong = Object.entries(selfTest?.refused ?? {}).map(([shader, found]) => [shader, found] as const);
  const tuned = Object.entries(tuning).map(
    ([key, choice]) => [contestText(key), choiceText(choice as Choice)] as const,
  );
  return [
    table([["wrong kernels", wrong.length === 0 ? "none found so far" : `${wrong.length}, not used`], ...wrong]),
    table([["tuned kernels", tuned.length === 0 ? "none so far: the defaults are used" : `${tuned.length}`], ...tuned]),
  ].join("");
}

/** Of "linear_q8_0 decode of CANDIDATES on SHAPE SHAPE": kernel and phase, and how many shapes there are. */
function contestText(key: string): string {
  const [contest, , shapes = ""] = key.split(/ of | on /);
  return `${contest}, shapes: ${shapes.split(" ").length}`;
}

/** Best first, with microseconds per dispatch where it was measured to the end. */
function choiceText({ order, milliseconds }: Choice): string {
  const one = (variant: string) => {
    const time = milliseconds[variant];
    return time === undefined ? variant : `${variant} ${(1000 * time).toFixed(1)} us`;
  };
  return order.map(one).join(", ");
}
