import { SPLIT_TOKENS } from "../common/batch";
import { combineCase } from "../decode_attention/cases";
import type { KernelCase } from "../testing";

const split = SPLIT_TOKENS;

export const cases: readonly KernelCase[] = [
  combineCase("two splits, the second with one key", { positions: [split] }),
  combineCase("three splits", { positions: [2 * split + 9], headDim: 16 }),
  combineCase("row of one split: another kernel's", { positions: [split - 1] }),
  combineCase("window over two of three splits", { positions: [2 * split + 9], window: 40 }),
  combineCase("window inside the last split: another kernel's", { positions: [2 * split + 90], window: 60 }),
  combineCase("sinks join once", { positions: [split + 30], heads: 4, kvHeads: 2, sinks: true }),
  combineCase("scores of hundreds: no overflow", { positions: [split + 40], amplitude: 20 }),
  combineCase("rows with and without splits", {
    heads: 4,
    kvHeads: 2,
    positions: [split + 5, 3, split - 1, 2 * split],
  }),
  combineCase("head of 128", { positions: [split + 5], headDim: 128 }),
];

/** For the self-test. */
export function smallCombineCases(headDim: number): readonly KernelCase[] {
  return [combineCase("self-test", { headDim, positions: [split + 20, 5], window: 60 })];
}
