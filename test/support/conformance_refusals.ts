// Batches that every backend refuses with `invalid-argument`, as data. Slots 0 and 1 are open, nothing was fed.

import { type Backend, LAST_TOKEN, type Row, type StepBatch } from "../../src/backends/backend";
import { rowsOf } from "./steps";

interface Refusal {
  readonly name: string;
  readonly batch: (backend: Backend, vocab: number) => StepBatch;
}

export const harmless: Row = { slot: 0, token: 1, position: 0, want: "nothing" };
export const refusals: readonly Refusal[] = [
  { name: "no rows", batch: () => ({ rows: [] }) },
  { name: "too many rows", batch: ({ limits }) => ({ rows: rowsOf(Array(limits.rows + 1).fill(1), {}) }) },
  {
    name: "too many outputs",
    batch: ({ limits }) => ({
      rows: rowsOf(Array(limits.outputs + 1).fill(1), {}).map((row) => ({ ...row, want: "logits" })),
    }),
  },
  { name: "a slot that is not there", batch: ({ limits }) => ({ rows: [{ ...harmless, slot: limits.slots }] }) },
  { name: "a negative slot", batch: () => ({ rows: [{ ...harmless, slot: -1 }] }) },
  { name: "a token beyond the vocabulary", batch: (_, vocab) => ({ rows: [{ ...harmless, token: vocab }] }) },
  { name: "a token that is no whole number", batch: () => ({ rows: [{ ...harmless, token: 1.5 }] }) },
  {
    name: "a position beyond the context",
    batch: ({ limits }) => ({ rows: [{ ...harmless, position: limits.context }] }),
  },
  { name: "a position that is NaN", batch: () => ({ rows: [{ ...harmless, position: Number.NaN }] }) },
  { name: "no visible key", batch: () => ({ rows: [{ ...harmless, keyEnd: 0 }] }) },
  {
    name: "rows of one slot apart",
    batch: () => ({ rows: [harmless, { ...harmless, slot: 1 }, { ...harmless, position: 1 }] }),
  },
  { name: "a position twice", batch: () => ({ rows: [harmless, harmless] }) },
  { name: "LAST_TOKEN before anything was sampled", batch: () => ({ rows: [{ ...harmless, token: LAST_TOKEN }] }) },
  {
    name: "a page beyond the pool",
    batch: ({ groups }) => ({ rows: [harmless], pages: [{ group: 1, slot: 0, index: 0, page: groups[1]!.pages }] }),
  },
  {
    name: "a page of a group that is not there",
    batch: () => ({ rows: [harmless], pages: [{ group: 2, slot: 0, index: 0, page: 0 }] }),
  },
  {
    name: "a page index beyond the context",
    batch: ({ limits, pageTokens }) => ({
      rows: [harmless],
      pages: [{ group: 0, slot: 0, index: Math.ceil(limits.context / pageTokens), page: 0 }],
    }),
  },
  {
    name: "a copy to a page beyond the pool",
    batch: ({ groups }) => ({ rows: [harmless], pageCopies: [{ group: 0, from: 0, to: groups[0]!.pages }] }),
  },
];
