// The benchmark's model files: shapes of well known models, random weights that are sane.

import { expect, test } from "vitest";
import { randomBlocks } from "../../../bench/random_blocks";
import { SHAPE_NAMES, SHAPE_TYPES, shapeFile } from "../../../bench/shapes";
import { formatOf } from "../../../kernels/quant/index";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import { recordModel } from "../../../src/model/record";
import { tokenizerJson } from "../../../src/text/tokenizer_json";

/** Parameters as the models' cards state them, millions. */
const PARAMETERS = {
  "smollm2-135m": 134.5,
  "gemma3-270m": 268.1,
  "qwen2-0.5b": 494.0,
  "qwen3-0.6b": 596.0,
  "llama-3.2-1b": 1235.8,
};

test.each(SHAPE_NAMES)("%s has as many parameters as the model", (name) => {
  expect(shapeFile(name, "Q4_0").parameters / 1e6).toBeCloseTo(PARAMETERS[name], 0);
});

test.each(SHAPE_TYPES)(
  "smollm2-135m in %s: the file is what its header says, and its graph is recorded",
  async (type) => {
    const { bytes, pieces } = shapeFile("smollm2-135m", type);
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const piece of pieces()) {
      whole.set(piece, at);
      at += piece.length;
    }
    expect(at).toBe(bytes);
    const file = await openWeights(memorySource(whole, "shape.gguf"));
    const { weights } = recordModel(file);
    expect(weights).toHaveLength(file.tensors.size);
    const types = new Set(weights.map(({ tensor }) => tensor.type));
    // Hugging Face's tokenizers refuse a vocabulary with a merge of what is no token.
    const { vocab, merges } = tokenizerJson(file.metadata).model as { vocab: object; merges: string[][] };
    expect(merges.length).toBeGreaterThan(48_000);
    expect(merges.flat().filter((part) => !(part in vocab))).toEqual([]);
    // Rows of 576 are no multiple of 256: there the mix has Q5_0 and Q8_0, as llama.cpp's.
    const expected = {
      F16: ["F16"],
      Q8_0: ["Q8_0"],
      Q4_0: ["Q4_0", "Q8_0"],
      Q4_0_pure: ["Q4_0"],
      Q4_K: ["Q4_K", "Q5_0", "Q8_0"],
    }[type];
    expect([...types].sort()).toEqual(["F32", ...expected].sort());
  },
);

test.each(["Q8_0", "Q4_0", "Q4_K", "Q5_0", "Q6_K", "F16"])("random %s weights have the deviation asked for", (type) => {
  const [piece] = randomBlocks(type, 256 * 64, 7);
  const values = formatOf(type).dequantize(piece!);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  expect(deviation).toBeGreaterThan(0.018);
  expect(deviation).toBeLessThan(0.022);
});

test("Q4_0_pure has every level but -8, and differs from Q4_0 nowhere else", () => {
  const blocks = (type: string) => Buffer.concat([...randomBlocks(type, 32 * 4096, 5)]);
  const levels = (bytes: Buffer) =>
    [...bytes].flatMap((byte, i) => (i % 18 < 2 ? [] : [(byte & 15) - 8, (byte >> 4) - 8]));
  const pure = levels(blocks("Q4_0_pure"));
  expect(pure).toEqual(levels(blocks("Q4_0")).map((level) => Math.max(level, -7)));
  expect(new Set(pure).size).toBe(15);
});

test("an embedding of 151,936 rows of 896 in blocks of 32 has no row twice: logits have no ties", () => {
  const rowBytes = (896 / 32) * 18;
  const bytes = Buffer.concat([...randomBlocks("Q4_0_pure", 151_936 * 896, 0)]);
  const firstBlocks = new Set<string>();
  for (let at = 0; at < bytes.length; at += rowBytes) firstBlocks.add(bytes.toString("latin1", at, at + 18));
  expect(firstBlocks.size).toBe(151_936);
});

test.each(["Q4_0", "Q4_K"])("%s: 5,000 rows of 1024, all different", (type) => {
  const { blockBytes, blockWeights } = formatOf(type);
  const bytes = Buffer.concat([...randomBlocks(type, 5000 * 1024, 3)]);
  const rowBytes = (1024 / blockWeights) * blockBytes;
  const rows = Array.from({ length: 5000 }, (_, row) => bytes.toString("latin1", row * rowBytes, (row + 1) * rowBytes));
  expect(bytes.length).toBe(5000 * rowBytes);
  expect(new Set(rows).size).toBe(5000);
});
