// What the backends that compute on the processor share: steps run one after the other, and the sequences in slots are
// sampled by the twin on the CPU.

import { createSampler, type Sampler, sampleReference } from "../../kernels/sample/reference";
import { LAST_TOKEN, type Row, type SlotState, type StepOutput } from "./backend";

/** What is remembered of the sequence in a slot. */
interface Slot {
  readonly state: SlotState;
  readonly sampler: Sampler;
  lastToken: number;
}

export class HostSlots {
  readonly #slots: Slot[] = [];
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `task` after everything submitted before it, whether that failed or not. */
  inOrder<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Takes effect after everything submitted before. */
  open(slot: number, state: SlotState): void {
    void this.inOrder(() => {
      this.#slots[slot] = { state, sampler: createSampler(state), lastToken: LAST_TOKEN };
    });
  }

  /** The row's token, or the one that its slot sampled last. */
  tokenOf({ slot, token }: Row): number {
    return token === LAST_TOKEN ? this.#slots[slot]!.lastToken : token;
  }

  /** @param logits Of the row, which wants something; `[vocab]`, the output's own from then on. */
  answer({ slot, want, position }: Row, logits: Float32Array): StepOutput {
    if (want === "logits") return { want, slot, logits };
    const sequence = this.#slots[slot]!;
    const token = sampleReference(logits, sequence.sampler, position);
    sequence.lastToken = token;
    return { want: "token", slot, generation: sequence.state.generation, token };
  }
}
