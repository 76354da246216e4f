// Operations that the parity models do not use, or not in every form, against values worked out by hand or published.

import { describe, expect, test } from "vitest";
import { attention } from "../../../src/backends/reference/attention";
import { erf, softcap, unary } from "../../../src/backends/reference/elementwise";
import { KvCache } from "../../../src/backends/reference/kv";
import { embed, linear } from "../../../src/backends/reference/linear";
import { layerNorm, rmsNorm } from "../../../src/backends/reference/norm";
import { rope } from "../../../src/backends/reference/rope";
import type { Matrix } from "../../../src/backends/reference/tensor";
import type { AttentionSpec } from "../../../src/graph/graph";

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, width: rows[0]!.length, data: Float64Array.from(rows.flat()) };
}

function expectClose(got: ArrayLike<number>, want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  want.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, 12);
  });
}

// Values from the C library (Python's math.erf).
test.each([
  [0, 0],
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [2, 0.9953222650189527],
  [2.999, 0.9999777698314002],
  [3.5, 0.9999992569016276],
  [5, 0.9999999999984626],
  [7, 1],
])("erf(%f)", (x, value) => {
  expect(erf(x)).toBeCloseTo(value, 14);
  expect(erf(-x)).toBeCloseTo(-value, 14);
});

test("activations", () => {
  const x = matrix([[-1, 0, 2]]);
  expectClose(unary("relu", x).data, [0, 0, 2]);
  expectClose(unary("sigmoid", x).data, [0.2689414213699951, 0.5, 0.8807970779778823]);
  expectClose(unary("silu", x).data, [-0.2689414213699951, 0, 1.7615941559557646]);
  expectClose(unary("gelu_erf", x).data, [-0.15865525393145707, 0, 1.9544997361036416]);
  expectClose(unary("gelu_tanh", x).data, [-0.15880800939172324, 0, 1.954597694087775]);
  expectClose(softcap(matrix([[30, -1000]]), 30).data, [30 * Math.tanh(1), -30]);
});

test("layer norm takes the mean away, with and without a bias", () => {
  const x = matrix([
    [1, 3],
    [5, 5],
  ]);
  const gain = Float32Array.of(2, 3);
  expectClose(layerNorm(x, gain, undefined, 0.5).data, [-2 / Math.sqrt(1.5), 3 / Math.sqrt(1.5), 0, 0]);
  expectClose(layerNorm(x, gain, Float32Array.of(7, 8), 0.5).data.subarray(2), [7, 8]);
});

test("RMS norm of heads: a gain shorter than the row", () => {
  const y = rmsNorm(matrix([[3, 4, 0, 5]]), Float32Array.of(1, 2), 0);
  const r = Math.sqrt(12.5);
  expectClose(y.data, [3 / r, 8 / r, 0, (2 * 5) / r]);
});

test("embedding rows are scaled, repeated tokens allowed", () => {
  expectClose(embed(Float32Array.of(1, 2, 3, 4), 2, [1, 1, 0], 10).data, [30, 40, 30, 40, 10, 20]);
});

test.each([1, 4, 5, 9])("a product of %i rows: alone or in fours, the same sums", (rows) => {
  const x = matrix(Array.from({ length: rows }, (_, r) => [r + 1, 0.1 * r, -2]));
  const weight = Float32Array.of(1, 10, 100, -1, 0, 2);
  const y = linear(x, weight, 2, Float32Array.of(0.5, 0));
  for (let r = 0; r < rows; r++) {
    expectClose(y.data.subarray(2 * r, 2 * r + 2), [0.5 + (r + 1) + r - 200, -(r + 1) - 4]);
    const alone = linear(
      { rows: 1, width: 3, data: x.data.slice(3 * r, 3 * r + 3) },
      weight,
      2,
      Float32Array.of(0.5, 0),
    );
    expect(y.data.slice(2 * r, 2 * r + 2)).toEqual(alone.data);
  }
});

describe("rope", () => {
  const quarter = { dims: 4, frequencies: [Math.PI / 2, Math.PI] };
  const x = matrix([[1, 2, 3, 4, 9]]);

  test("adjacent pairs", () => {
    expectClose(rope(x, 5, { ...quarter, style: "adjacent" }, undefined, [1]).data, [-2, 1, -3, -4, 9]);
  });

  test("pairs of the two halves, of the turned part only", () => {
    expectClose(rope(x, 5, { ...quarter, style: "half" }, undefined, [1]).data, [-3, -2, 1, -4, 9]);
  });

  test("factors divide the frequencies, position multiplies them, heads turn alike", () => {
    const heads = matrix([[1, 0, 0, 1]]);
    const spec = { style: "half", dims: 2, frequencies: [Math.PI] } as const;
    expectClose(rope(heads, 2, spec, Float32Array.of(4), [2]).data, [0, 1, -1, 0]);
  });
});

describe("attention", () => {
  const spec: AttentionSpec = { layer: 0, headDim: 1, scale: 1 };
  const values = [1, 10, 100, 1000];

  /** Four keys of 0 in pages of three, so that every visible key has the same weight. */
  function run(changes: Partial<AttentionSpec>, options: { sinks?: Float32Array; keyEnd?: number; k?: number[] } = {}) {
    const { sinks, keyEnd, k = [0, 0, 0, 0] } = options;
    const cache = new KvCache([{ layer: 0, kvHeads: 1, headDim: 1 }], [{ layers: [0], pages: 2, pageBytes: 0 }], 3, 1);
    for (const index of [0, 1]) cache.map({ group: 0, slot: 0, index, page: 1 - index });
    const rows = values.map((_, position) => ({ slot: 0, position, keyEnd: keyEnd ?? position + 1 }));
    const column = (items: readonly number[]) => matrix(items.map((item) => [item]));
    return attention(column([1, 1, 1, 1]), column(k), column(values), { ...spec, ...changes }, sinks, rows, cache).data;
  }

  test("causal rows see themselves and all before", () => expectClose(run({}), [1, 5.5, 37, 277.75]));
  test("a window of two", () => expectClose(run({ window: 2 }), [1, 5.5, 55, 550]));
  test("a window of one is the row itself", () => expectClose(run({ window: 1 }), values));
  test("bidirectional rows see all", () => expectClose(run({}, { keyEnd: 4 }), Array(4).fill(277.75)));

  test("a sink takes its share", () => {
    expectClose(run({}, { sinks: Float32Array.of(0) }), [1 / 2, 11 / 3, 111 / 4, 1111 / 5]);
  });

  test("a sink above all scores does not overflow", () => {
    expectClose(run({}, { sinks: Float32Array.of(2000) }), [0, 0, 0, 0]);
  });

  test("scores far apart do not overflow", () => {
    expectClose(run({}, { k: [0, 5000, 0, -5000] }), [1, 10, 10, 10]);
  });

  test("a cap limits the scores", () => {
    const share = 1 / (1 + Math.exp(-2 * Math.tanh(2500)));
    expectClose(run({ softcap: 2 }, { k: [0, 5000, 0, 0] }).subarray(1, 2), [10 * share + (1 - share)]);
  });

  test("query heads share key heads in order: heads 0 and 1 read the first, 2 and 3 the second", () => {
    const caches = [{ layer: 0, kvHeads: 2, headDim: 1 }];
    const cache = new KvCache(caches, [{ layers: [0], pages: 1, pageBytes: 0 }], 3, 1);
    cache.map({ group: 0, slot: 0, index: 0, page: 0 });
    const q = matrix([[1, 1, 1, 1]]);
    const y = attention(
      q,
      matrix([[0, 0]]),
      matrix([[5, 7]]),
      spec,
      undefined,
      [{ slot: 0, position: 0, keyEnd: 1 }],
      cache,
    );
    expectClose(y.data, [5, 5, 7, 7]);
  });

  test("a key never written is an error, not a number", () => {
    expect(() => run({}, { keyEnd: 5 })).toThrow("position 4 of layer 0, which was never written");
  });
});

describe("the cache refuses", () => {
  const caches = [{ layer: 0, kvHeads: 1, headDim: 1 }];
  const groups = [{ layers: [0], pages: 2, pageBytes: 0 }];

  function filled(): KvCache {
    const cache = new KvCache(caches, groups, 3, 2);
    cache.map({ group: 0, slot: 0, index: 0, page: 1 });
    for (const position of [0, 1, 2]) cache.append(0, 0, position, Float64Array.of(1), Float64Array.of(1), 0);
    return cache;
  }

  test("a page that was never mapped", () => {
    expect(() => filled().read(0, 0, 3)).toThrow("no page 1 in cache group 0");
    expect(() => filled().read(0, 1, 0)).toThrow("slot 1 has no page 0");
  });

  test("a page that holds other positions", () => {
    const cache = filled();
    cache.map({ group: 0, slot: 1, index: 4, page: 1 });
    expect(() => cache.read(0, 1, 13)).toThrow("reads position 13 of layer 0, which holds position 1");
  });

  test("a copy of a page that was never written", () => {
    const cache = filled();
    cache.copy(0, 0, 1);
    expect(() => cache.read(0, 0, 0)).toThrow("never written");
  });
});
