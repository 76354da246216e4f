// What our own quantizer writes, on a trained model: every type runs on webgpu as the reference backend computes it, and
// costs as little perplexity as other quantizers' files.

import { describe, expect, test } from "vitest";
import { FORMATS } from "../../../kernels/quant/index";
import { measurePerplexity } from "../../../src/cli/perplexity";
import { loadFile } from "../../../src/load";
import { QUANTIZERS } from "../../../src/quantize/formats";
import { openFixtureModel, readFixtureText } from "../../support/files";
import { testGpu } from "../../support/gpu";
import { quantized, webgpuAgainstReference } from "../../support/quantized";

const trained = "trained/qwen3-stories-F16.gguf";
const tokens = Array.from({ length: 24 }, (_, i) => (i === 0 ? 1 : 259 + ((i * 37) % 240)));

const open = () => openFixtureModel(trained, "external");

test("every type that can be written can be run", () => {
  expect([...QUANTIZERS.keys()].filter((type) => !FORMATS.has(type))).toEqual([]);
});

describe.each([...QUANTIZERS.keys()])("%s", (type) => {
  test("webgpu against the reference", async () => {
    const file = await quantized(await open(), type);
    expect(new Set([...file.tensors.values()].map((tensor) => tensor.type))).toContain(type);
    const found = await webgpuAgainstReference(file, tokens);
    console.info(`${type}, quantized here: nmse ${found.nmse.toExponential(2)}, top-1 ${found.top1}`);
    expect(found.nmse).toBeLessThan(1e-9);
  });
});

/** llama.cpp's numbers for this model on heldout.txt, windows of 256 tokens; its Q4_K_M stands for our Q4_K. */
describe("perplexity on the whole of heldout.txt, beside llama.cpp's", () => {
  const cases = [
    ["F16", "the fixture itself: the method is the same", 5.0967, 1e-3],
    ["Q8_0", "quantized here", 5.0986, 5e-3],
    ["Q4_K", "quantized here", 5.1144, 5e-3],
  ] as const;
  test.each(cases)("%s, %s: %d", async (type, _what, published, bound) => {
    const file = type === "F16" ? await open() : await quantized(await open(), type);
    const engine = await loadFile(file, { gpu: await testGpu(), precision: "exact", context: 256, slots: 1 });
    const text = await readFixtureText("trained/heldout.txt", "external");
    const { perplexity } = await measurePerplexity(engine, text, { window: 256 });
    engine.dispose();
    console.info(`${type}: perplexity ${perplexity.toFixed(4)}, llama.cpp ${published}`);
    expect(Math.abs(perplexity / published - 1)).toBeLessThan(bound);
  });
});
