// What our own quantizer writes, on the nano models: every type in one of the architectures, in turn.

import { expect, test } from "vitest";
import { QUANTIZERS } from "../../src/quantize/formats";
import { openFixtureModel } from "../support/files";
import { quantized, webgpuAgainstReference } from "../support/quantized";

const models = ["llama-nano-F32", "qwen2-nano-F16", "qwen3-nano-F32", "gemma3-nano-F16"];
const tokens = Array.from({ length: 24 }, (_, i) => (i === 0 ? 1 : 259 + ((i * 37) % 240)));

const cases = [...QUANTIZERS.keys()].map((type, i) => [type, models[i % models.length]!] as const);

test.each(cases)("%s, %s: webgpu against the reference", async (type, model) => {
  const file = await quantized(await openFixtureModel(`nano/${model}.gguf`), type);
  const { nmse } = await webgpuAgainstReference(file, tokens);
  console.info(`${model} in ${type}, quantized here: nmse ${nmse.toExponential(2)}, bound 1e-9`);
  expect(nmse).toBeLessThan(1e-9);
});
