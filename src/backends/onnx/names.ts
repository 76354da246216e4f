// What inputs and outputs of the lowered models are called: for the lowering, and for whoever fills them.

import type { Value } from "../../graph/graph";

export const INPUT = {
  /** int64 `[outputs]`: rows whose logits are wanted. */
  outputRows: "output_rows",
  /** int32 `[1]`: keys after this step, less one. */
  lastKey: "last_key",
  /** int32 scalar: keys after this step. */
  keys: "keys",
  /** f32 `[tokens, 1]` of zeros. */
  zeros: "zeros",
} as const;

/** f32 `[tokens, width]`; of an `embed` node it is an input. */
export const valueName = (value: Value): string => `v${value.id}`;
/** f32 `[tokens, dims / 2]`, of one kind of rope. */
export const ropeNames = (kind: number) => ({ cos: `cos_${kind}`, sin: `sin_${kind}` });
/** f32 `[1, kvHeads, capacity, headDim]`: what earlier steps left; unused rows are finite. */
export const pastNames = (layer: number) => ({ key: `past_key_${layer}`, value: `past_value_${layer}` });
/** The same with the step's rows. */
export const presentNames = (layer: number) => ({ key: `present_key_${layer}`, value: `present_value_${layer}` });
/** f32 `[tokens, capacity + tokens]`: added to the scores of layers with this window. */
export const maskName = (window: number | undefined): string => `mask_${window ?? "all"}`;
