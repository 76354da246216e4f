// The GPU sampler. Its CPU twin, equal bit for bit, is reference.ts; what it keeps per slot is in slot.ts.

import batch from "../common/batch.wgsl?raw";
import u64 from "../common/u64.wgsl?raw";
import { type DeviceTraits, defineKernel, type Variant } from "../kernel";
import philox from "../philox/philox.wgsl?raw";
import draw from "./draw.wgsl?raw";
import { MAX_BIASES } from "./fixed";
import list from "./list.wgsl?raw";
import wgsl from "./sample.wgsl?raw";
import scan from "./scan.wgsl?raw";
import score from "./score.wgsl?raw";
import select from "./select.wgsl?raw";
import { MAX_LANES } from "./slot";
import state from "./state.wgsl?raw";

/** Lanes per output, where the device allows so many: more of them hide more of the memory's latency. */
const LANES = MAX_LANES;
/** The same on software adapters, which pay for barriers. */
const FEW_LANES = 16;

const params = { vocab: "u32", stride: "u32" } as const;

/**
 * Samples a token for each output that wants one, feeds it back into the output's slot (token, position, counts) and
 * writes (id, generation) to `sampled`. At most one output per slot. Vocabularies below 2^20. `scores` is scratch, of
 * `scratchWords` per output; `logits` is read in vectors of four words, so its size is a multiple of 16 bytes.
 */
export const sample = defineKernel({
  name: "sample",
  bindings: {
    params: "uniform",
    batch: "uniform",
    slots: "read_write",
    logits: "read",
    scores: "read_write",
    counts: "read_write",
    biases: "read",
    table: "read",
    sampled: "read_write",
  },
  params,
  variants: [
    withLanes("workgroup", LANES, (traits) => !traits.software),
    withLanes("few_lanes", FEW_LANES, () => true),
  ],
});

function withLanes(name: string, lanes: number, suits: (traits: DeviceTraits) => boolean): Variant<typeof params> {
  return {
    name,
    suits,
    runs: () => true,
    parts: [wgsl, state, score, scan, list, select, draw, philox, u64, batch].map((part) => ({ wgsl: part })),
    constants: (_, { maxInvocations }) => ({ LANES: Math.min(lanes, powerOfTwo(maxInvocations)), MAX_BIASES }),
    grid: (_, rows) => [rows, 1, 1],
  };
}

/** The largest power of two up to `most`. */
function powerOfTwo(most: number): number {
  return 2 ** Math.floor(Math.log2(most));
}
