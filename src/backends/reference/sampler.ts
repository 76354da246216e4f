// Sampling for one sequence on the CPU.

import { FennecError } from "../../errors";
import type { SlotState } from "../backend";

export class SequenceSampler {
  constructor(state: SlotState) {
    if (state.sampler.temperature !== 0)
      throw new FennecError("backend-unsupported", "The reference backend samples greedily only: use temperature 0.");
  }

  /** @param logits `[vocab]` @returns The largest logit's id, the lowest of equal ones. */
  sample(logits: Float32Array, _position: number): number {
    return logits.reduce((best, logit, id) => (logit > logits[best]! ? id : best), 0);
  }
}
