// What our own quantizer writes, on a trained model: every type runs on webgpu as the reference backend computes it, and
// costs as little perplexity as other quantizers' files.

import { describe, expect, test } from "vitest";
import { FORMATS } from "../../../kernels/quant/index";
import { createReferenceBackend } from "../../../src/backends/reference/index";
import { measurePerplexity } from "../../../src/cli/perplexity";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import type { WeightsFile } from "../../../src/files/weights_file";
import { loadFile } from "../../../src/load";
import { recordModel } from "../../../src/model/record";
import { QUANTIZERS } from "../../../src/quantize/formats";
import { quantizeModel } from "../../../src/quantize/index";
import { openFixtureModel, readFixtureText } from "../../support/files";
import { testGpu } from "../../support/gpu";
import { compareLogits, logitsOf } from "../../support/parity";
import { webgpuBackend } from "../../support/webgpu";

const trained = "trained/qwen3-stories-F16.gguf";
const tokens = Array.from({ length: 24 }, (_, i) => (i === 0 ? 1 : 259 + ((i * 37) % 240)));

async function quantized(type: string): Promise<WeightsFile> {
  const { pieces } = await quantizeModel(await openFixtureModel(trained, "external"), { type });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) parts.push(piece);
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return openWeights(memorySource(bytes, `qwen3-stories-${type}.gguf`));
}

test("every type that can be written can be run", () => {
  expect([...QUANTIZERS.keys()].filter((type) => !FORMATS.has(type))).toEqual([]);
});

describe.each([...QUANTIZERS.keys()])("%s", (type) => {
  test("webgpu against the reference", async () => {
    const file = await quantized(type);
    expect(new Set([...file.tensors.values()].map((tensor) => tensor.type))).toContain(type);
    const model = { ...recordModel(file), file };
    const reference = await createReferenceBackend({
      graph: model.graph,
      file,
      vocab: model.config.vocab,
      options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
    });
    const want = await logitsOf(reference, tokens, tokens.length);
    reference.dispose();
    const webgpu = await webgpuBackend(model, { slots: 1, context: 64 });
    const found = compareLogits(await logitsOf(webgpu, tokens, tokens.length), want, model.config.vocab);
    webgpu.dispose();
    console.info(`${type}, quantized here: nmse ${found.nmse.toExponential(2)}, top-1 ${found.top1}`);
    expect(found.nmse).toBeLessThan(1e-9);
  });
});

/** llama.cpp's numbers for these models on heldout.txt, windows of 256 tokens. */
const PUBLISHED = { F32: 5.0967, Q8_0: 5.0986, Q4_K_M: 5.1144 };

describe("perplexity on heldout.txt", () => {
  async function perplexityOf(file: WeightsFile, windows?: number): Promise<number> {
    const engine = await loadFile(file, { gpu: await testGpu(), precision: "exact", context: 256, slots: 1 });
    const text = await readFixtureText("trained/heldout.txt", "external");
    const found = await measurePerplexity(engine, text, { window: 256, ...(windows !== undefined && { windows }) });
    engine.dispose();
    return found.perplexity;
  }

  test("of the F16 file, all 37 windows, is llama.cpp's", async () => {
    const found = await perplexityOf(await openFixtureModel(trained, "external"));
    console.info(`F16: perplexity ${found.toFixed(4)}, llama.cpp ${PUBLISHED.F32}`);
    expect(Math.abs(found / PUBLISHED.F32 - 1)).toBeLessThan(1e-3);
  });

  // The first windows only, so the loss against F16 is compared, not the number itself.
  test("of our Q8_0 and Q4_K, 8 windows, is within 0.5 percent of llama.cpp's loss", async () => {
    const windows = 8;
    const base = await perplexityOf(await openFixtureModel(trained, "external"), windows);
    for (const [type, published] of [
      ["Q8_0", PUBLISHED.Q8_0],
      ["Q4_K", PUBLISHED.Q4_K_M],
    ] as const) {
      const found = (await perplexityOf(await quantized(type), windows)) / base;
      console.info(`${type}, quantized here: ${found.toFixed(5)} of F16's perplexity on ${windows} windows`);
      expect(Math.abs(found / (published / PUBLISHED.F32) - 1)).toBeLessThan(5e-3);
    }
  });
});
