// Sizes of weight types, against blocks that ggml wrote.

import { readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { ggmlTypeById, ggmlTypeByName, ggmlTypes, removedGgmlType } from "../../../src/files/ggml_types";

interface BlockFixture {
  readonly ggml_type: number;
  readonly block_weights: number;
  readonly block_bytes: number;
  readonly blocks: number;
}

const folder = new URL("../../fixtures/quant-blocks/", import.meta.url);
const fixtures: Record<string, BlockFixture> = JSON.parse(readFileSync(new URL("index.json", folder), "utf8"));

test.each(Object.entries(fixtures))("%s has ggml's number and block size", (name, fixture) => {
  expect(ggmlTypeByName(name)).toEqual({
    id: fixture.ggml_type,
    name,
    blockWeights: fixture.block_weights,
    blockBytes: fixture.block_bytes,
  });
  expect(ggmlTypeById(fixture.ggml_type)?.name).toBe(name);
  expect(statSync(new URL(`${name}.bin`, folder)).size).toBe(fixture.blocks * fixture.block_bytes);
});

test("numbers and names are given once, and none was removed", () => {
  expect(new Set(ggmlTypes.map(({ id }) => id)).size).toBe(ggmlTypes.length);
  expect(new Set(ggmlTypes.map(({ name }) => name)).size).toBe(ggmlTypes.length);
  for (const { id } of ggmlTypes) expect(removedGgmlType(id)).toBeUndefined();
});

// Source: the block structs of ggml-common.h, added up by hand; no fixture has them.
test.each([
  ["F32", 1, 4],
  ["F16", 1, 2],
  ["F64", 1, 8],
  ["I8", 1, 1],
  ["I64", 1, 8],
  ["Q8_1", 32, 2 + 2 + 32],
  ["Q8_K", 256, 4 + 256 + 2 * 16],
  ["IQ1_M", 256, 32 + 16 + 8],
  ["Q1_0", 128, 2 + 16],
  ["Q2_0", 64, 2 + 16],
])("%s: %i weights in %i bytes", (name, blockWeights, blockBytes) => {
  expect(ggmlTypeByName(name)).toMatchObject({ blockWeights, blockBytes });
});
