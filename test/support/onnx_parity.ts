// Logits of the onnx backend against those of other implementations, in Node as in a browser.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../src/backends/backend";
import { createOnnxBackend } from "../../src/backends/onnx/index";
import { compareLogits, greedyOf, logitsOf, openParityFixture, type ParityFixture } from "./parity";
import type { ParityCase } from "./parity_table";

const BOUND = 1e-9;

/** @param chunks Rows of a step. */
export function describeOnnxParity(cases: readonly ParityCase[], chunks: readonly number[]): void {
  describe.each(cases)("$path", ({ path, folder }) => {
    let fixture: ParityFixture;
    let backend: Backend;

    beforeAll(async () => {
      fixture = await openParityFixture(path, folder);
      const { graph, file, config } = fixture;
      const options = { precision: "exact", kv: "f32", kvTokens: 256, context: 256, slots: 1 } as const;
      backend = await createOnnxBackend({ graph, file, vocab: config.vocab, options });
    });

    afterAll(() => backend.dispose());

    test.each(chunks)("logits in chunks of %i", async (chunk) => {
      const { tokens, logits, description } = fixture;
      const found = compareLogits(await logitsOf(backend, tokens, chunk), logits, description.vocab);
      console.info(`${path}, ${chunk}: nmse ${found.nmse.toExponential(2)}, KL ${found.klMean.toExponential(2)}`);
      expect(found.nmse).toBeLessThan(Math.min(BOUND, description.bound));
      expect(found.klMean).toBeLessThan(1e-7);
      expect(found.top1).toBe(1);
    });

    test("greedy ids, where the fixture gives them", async () => {
      const { prompt, greedy = [] } = fixture.description;
      expect(greedy.length > 0).toBe(/stories260K|nano|builtin/.test(path));
      if (greedy.length > 0) expect(await greedyOf(backend, prompt, greedy.length)).toEqual(greedy);
    });
  });
}
