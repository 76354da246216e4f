// The onnx backend on the nano models, against logits of other implementations.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../../src/backends/backend";
import { createOnnxBackend } from "../../../src/backends/onnx/index";
import { compareLogits, logitsOf, openParityFixture, type ParityFixture } from "../../support/parity";
import { ownFixtures } from "../../support/parity_table";

const BOUND = 1e-9;

describe.each(ownFixtures)("$path", ({ path }) => {
  let fixture: ParityFixture;
  let backend: Backend;

  beforeAll(async () => {
    fixture = await openParityFixture(path);
    backend = await createOnnxBackend({
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
    console.info(`${path}, chunks of ${chunk}: nmse ${nmse.toExponential(2)}, KL ${klMean.toExponential(2)}`);
    expect(nmse).toBeLessThan(Math.min(BOUND, description.bound));
    expect(klMean).toBeLessThan(1e-7);
    expect(top1).toBe(1);
  });
});
