// Which plan a step runs, and what its grids follow. A wrong choice of the plan for decoding would let rows miss keys of
// their own step.

import { expect, test } from "vitest";
import { SPLIT_TOKENS } from "../../../kernels/common/batch";
import type { Row } from "../../../src/backends/backend";
import { kindOf } from "../../../src/backends/webgpu/replays";

const row = (slot: number, position: number, more: Partial<Row> = {}): Row => ({
  slot,
  position,
  token: 1,
  want: "nothing",
  ...more,
});

test.each<[why: string, rows: readonly Row[], decode: boolean]>([
  ["a row of each sequence", [row(0, 5), row(2, 0), row(1, 900)], true],
  ["two rows of one sequence: the second sees the key of the first", [row(0, 5), row(0, 6)], false],
  ["two rows of one sequence beside another", [row(1, 3), row(0, 5), row(0, 6)], false],
  ["a row that does not see its own key's place alone", [row(0, 5, { keyEnd: 9 })], false],
  ["a causal row that says so", [row(0, 5, { keyEnd: 6 })], true],
  ["as many sequences as decoding serves", Array.from({ length: 16 }, (_, slot) => row(slot, 0)), true],
  ["one more", Array.from({ length: 17 }, (_, slot) => row(slot, 0)), false],
])("%s", (_, rows, decode) => {
  expect(kindOf({ rows }).decode).toBe(decode);
});

test("splits follow the longest context, in decoding alone", () => {
  const splits = (...rows: readonly Row[]) => kindOf({ rows }).splits;
  expect(splits(row(0, 0), row(1, SPLIT_TOKENS - 1))).toBe(1);
  expect(splits(row(0, 0), row(1, SPLIT_TOKENS))).toBe(2);
  expect(splits(row(0, 3 * SPLIT_TOKENS), row(1, 0))).toBe(4);
  expect(splits(row(0, SPLIT_TOKENS), row(0, SPLIT_TOKENS + 1))).toBe(1);
});

test("outputs and whether any of them is sampled", () => {
  const kind = kindOf({ rows: [row(0, 1, { want: "token" }), row(1, 1, { want: "logits" }), row(2, 1)] });
  expect(kind).toMatchObject({ rows: 3, outputs: 2, sampling: true });
  expect(kindOf({ rows: [row(0, 1, { want: "logits" })] }).sampling).toBe(false);
});
