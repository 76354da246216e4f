// The host's and the shader's idea of a batch and of a slot: the same constants, offsets and sizes.

import { expect, test } from "vitest";
import * as host from "../../kernels/common/batch";
import batch from "../../kernels/common/batch.wgsl?raw";
import slots from "../../kernels/common/slots.wgsl?raw";
import { batchUniform, slotsBuffer } from "../../kernels/testing";

/** Constants that both sides name alike. */
const shared = {
  LAST_TOKEN: host.LAST_TOKEN,
  MAX_OUTPUTS: host.MAX_OUTPUTS,
  MAX_ROWS: host.MAX_ROWS,
  OUTPUT_NO_SAMPLE: host.OUTPUT_NO_SAMPLE,
  SLOT_WORDS: host.SLOT_WORDS,
};

/** Value of `const NAME = 123u;`, decimal or hexadecimal. */
function constantOf(wgsl: string, name: string): number {
  const literal = new RegExp(`const ${name} = (\\w+?)u;`).exec(wgsl)?.[1];
  if (literal === undefined) throw new Error(`the shader has no const ${name}`);
  return Number(literal);
}

test.each(Object.entries(shared))("%s", (name, value) => {
  expect(constantOf(batch, name)).toBe(value);
});

test("words of a slot", () => {
  expect(constantOf(slots, "SLOT_TOKEN")).toBe(host.SLOT.token);
  expect(constantOf(slots, "SLOT_POSITION")).toBe(host.SLOT.position);
});

/** Fields of a struct of the shader, in order. */
function fieldsOf(wgsl: string, struct: string): string[] {
  const body = new RegExp(`struct ${struct} \\{([^}]*)\\}`).exec(wgsl)?.[1] ?? "";
  return [...body.replace(/\/\/.*$/gm, "").matchAll(/(\w+): ([^\n]+?),?\s*$/gm)].map(
    ([, name, type]) => `${name}: ${type}`,
  );
}

test("the uniform is a header, the rows, the outputs", () => {
  expect(fieldsOf(batch, "Row")).toEqual(["token: u32", "position: u32", "slot: u32", "key_end: u32"]);
  expect(host.ROW_WORDS).toBe(4);
  const fields = fieldsOf(batch, "Batch");
  expect(fields.slice(0, 2)).toEqual(["rows: u32", "outputs: u32"]);
  expect(fields.indexOf("row: array<Row, MAX_ROWS>")).toBe(host.BATCH_HEADER_WORDS);
  expect(fields.at(-1)).toBe("output_row: array<vec4u, MAX_OUTPUTS / 4u>");
  expect(host.BATCH_BYTES).toBeLessThanOrEqual(65_536); // the portable size of a uniform
});

test("what cases call a batch is laid out so", () => {
  const rows = [{ token: 7, position: 3, slot: 2 }, { slot: 1 }];
  const words = batchUniform(rows, [1]);
  expect([...words.subarray(0, 12)]).toEqual([2, 1, 0, 0, 7, 3, 2, 4, host.LAST_TOKEN, 0, 1, 1]);
  expect(words[host.BATCH_HEADER_WORDS + host.ROW_WORDS * host.MAX_ROWS]).toBe(1);
  expect(words.byteLength).toBe(host.BATCH_BYTES);
  expect([...slotsBuffer([{}, { token: 5, position: 9 }]).subarray(32, 34)]).toEqual([5, 9]);
});
