// Keys and values in int8, on trained models: how far their predictions are from those with f32 keys and values.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../../support/parity";
import { webgpuBackend } from "../../support/webgpu";

/** Mean KL divergence in nats; measured on lavapipe: 6.3e-6 (Qwen 3) and 7.1e-6 (Gemma 3). */
const BOUND = 1e-4;

test.each(["trained/qwen3-stories-F16", "trained/gemma3-stories-F16"])(
  "%s with keys and values in int8",
  async (path) => {
    const fixture = await openParityFixture(path, "external");
    const { tokens, description } = fixture;
    const logits = async (kv: "f32" | "int8") => {
      const backend = await webgpuBackend(fixture, { slots: 1, kv });
      const values = await logitsOf(backend, tokens, 7);
      backend.dispose();
      return values;
    };
    const found = compareLogits(await logits("int8"), await logits("f32"), description.vocab);
    console.info(
      `${path}, keys and values in int8: KL ${found.klMean.toExponential(2)} (bound ${BOUND}), ` +
        `nmse ${found.nmse.toExponential(2)}, top-1 ${found.top1}`,
    );
    expect(found.nmse).toBeGreaterThan(0); // int8 was really used
    expect(found.klMean).toBeLessThan(BOUND);
  },
);
