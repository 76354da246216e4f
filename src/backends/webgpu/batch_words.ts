// A step as the words of the uniform `batch` (kernels/common/batch.wgsl).

import {
  BATCH_HEADER_WORDS,
  LAST_TOKEN as LAST_TOKEN_WORD,
  MAX_ROWS,
  OUTPUT_NO_SAMPLE,
  ROW_WORDS,
} from "../../../kernels/common/batch";
import { LAST_TOKEN, type Row, type StepBatch } from "../backend";

/** A row that wants an output. */
export interface Wanting {
  readonly row: number;
  readonly slot: number;
  readonly want: "token" | "logits";
}

/** In the order of the rows: output o is the o-th of them. */
export function outputsOf({ rows }: StepBatch): Wanting[] {
  return rows.flatMap(({ slot, want }, row) => (want === "nothing" ? [] : [{ row, slot, want }]));
}

export function wantsLogits({ rows }: StepBatch): boolean {
  return rows.some(({ want }) => want === "logits");
}

/** Fills `words`, which it returns. Rows that take their token from their slot say the same at every position. */
export function encodeBatch(
  words: Uint32Array<ArrayBuffer>,
  rows: readonly Row[],
  wanting: readonly Wanting[],
): Uint32Array<ArrayBuffer> {
  words.fill(0);
  words[0] = rows.length;
  words[1] = wanting.length;
  rows.forEach(({ slot, token, position, keyEnd }, index) => {
    const at = BATCH_HEADER_WORDS + ROW_WORDS * index;
    const last = token === LAST_TOKEN;
    words[at] = last ? LAST_TOKEN_WORD : token;
    words[at + 1] = last ? 0 : position;
    words[at + 2] = slot;
    words[at + 3] = last ? 0 : (keyEnd ?? position + 1);
  });
  wanting.forEach(({ row, want }, output) => {
    words[BATCH_HEADER_WORDS + ROW_WORDS * MAX_ROWS + output] = want === "logits" ? row | OUTPUT_NO_SAMPLE : row;
  });
  return words;
}
