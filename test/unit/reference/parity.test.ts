import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../../src/backends/backend";
import { createReferenceBackend } from "../../../src/backends/reference/index";
import { compareLogits, logitsOf, openParityFixture, type ParityFixture } from "../../support/parity";

// Far below the fixtures' own bounds, which are for f32 arithmetic: the reference computes in f64, so what is left is the
// other side's rounding (llama.cpp in f32: 1e-13; Transformers in f64: the logits' own f32 rounding).
const BOUND = 1e-12;

describe.each(["llama-nano-F32", "qwen2-nano-F16", "qwen3-nano-F32", "gemma3-nano-F16"])("%s", (name) => {
  let fixture: ParityFixture;
  let backend: Backend;

  beforeAll(async () => {
    fixture = await openParityFixture(`nano/${name}`);
    backend = await createReferenceBackend({
      graph: fixture.graph,
      file: fixture.file,
      vocab: fixture.config.vocab,
      options: { precision: "exact", kv: "f32", kvTokens: 128, context: 128, slots: 1 },
    });
  });

  afterAll(() => backend.dispose());

  test.each([
    ["in one chunk", 512],
    ["in chunks of 7", 7],
    ["token by token", 1],
  ])("logits %s", async (_, chunk) => {
    const { tokens, logits, description } = fixture;
    const { nmse, top1, klMean } = compareLogits(await logitsOf(backend, tokens, chunk), logits, description.vocab);
    expect(nmse).toBeLessThan(Math.min(BOUND, description.bound));
    expect(klMean).toBeLessThan(1e-10);
    expect(top1).toBe(1);
  });
});
