// A row's result is the same, bit for bit, whatever else is in its batch and wherever it stands there: each row of the
// cases of row-wise kernels, alone and in other company, in every variant. Chunked prefill, several sequences in one
// step and decoding rely on it.

import { describe, expect, test } from "vitest";
import { cases as attention } from "../../kernels/attention/cases";
import { BATCH_HEADER_WORDS, ROW_WORDS } from "../../kernels/common/batch";
import { cases as decodeAttention } from "../../kernels/decode_attention/cases";
import { cases as layerNorm } from "../../kernels/layer_norm/cases";
import { cases as rmsNorm } from "../../kernels/rms_norm/cases";
import { cases as rope } from "../../kernels/rope/cases";
import type { BufferContent, KernelCase } from "../../kernels/testing";
import { testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";

/** Buffers with an entry per row; results are those of {@link RESULTS} that the kernel has. */
const ROW_BUFFERS = ["x", "q", "qkv", "y", "partials"];
const RESULTS = ["y", "partials"];

const several = [...rmsNorm, ...layerNorm, ...rope, ...attention, ...decodeAttention].filter(
  ({ rows = 1, params }) => rows > 1 && rows < 64 && params.on_outputs !== 1,
);

describe("a row's result does not depend on its batch", async () => {
  const { traits } = await testDevice("full");
  for (const c of several) {
    for (const variant of variantsOf(c, traits).run) {
      test(`${c.kernel.name}/${variant.name}: ${c.name}`, async () => {
        const rows = c.rows!;
        const result = async (some: readonly number[], spareSplits: number) => {
          const given = { ...only(c, some), splits: (c.splits ?? 1) + spareSplits };
          const got = await launch(await testDevice("full"), given, variant);
          return RESULTS.flatMap((name) => (got.has(name) ? [new Uint32Array(got.get(name)!)] : []));
        };
        const whole = await result(
          Array.from({ length: rows }, (_, row) => row),
          0,
        );
        const middle = rows >> 1;
        // Alone with a grid for longer contexts: the number of splits of a step must not matter either.
        for (const [spare, some] of [[0], [middle], [rows - 1], [rows - 1, 0, middle]].entries()) {
          const got = await result(some, spare);
          whole.forEach((expected, which) => {
            const width = expected.length / rows;
            some.forEach((row, at) => {
              const alone = got[which]!.subarray(at * width, (at + 1) * width);
              const same = expected.subarray(row * width, (row + 1) * width);
              expect([...alone], `row ${row} of [${some}], ${RESULTS[which]}`).toEqual([...same]);
            });
          });
        }
      });
    }
  }
});

/** The case with some of its rows, in this order. */
function only(c: KernelCase, some: readonly number[]): KernelCase {
  const buffers: Record<string, BufferContent> = { ...c.buffers };
  const batch = (c.buffers.batch as Uint32Array).slice();
  batch[0] = some.length;
  batch.set(
    some.flatMap((row) => rowsOf(c.buffers.batch as Uint32Array, BATCH_HEADER_WORDS, ROW_WORDS, row)),
    BATCH_HEADER_WORDS,
  );
  buffers.batch = batch;
  for (const name of ROW_BUFFERS) {
    const content = c.buffers[name];
    if (content === undefined) continue;
    if ("words" in content) buffers[name] = { words: (content.words / c.rows!) * some.length };
    else {
      const width = content.length / c.rows!;
      buffers[name] = Float32Array.from(some.flatMap((row) => rowsOf(content as Float32Array, 0, width, row)));
    }
  }
  return { ...c, rows: some.length, buffers };
}

function rowsOf(content: Uint32Array | Float32Array, from: number, width: number, row: number): number[] {
  return [...content.subarray(from + row * width, from + (row + 1) * width)];
}
