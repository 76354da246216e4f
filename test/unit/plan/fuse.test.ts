import { describe, expect, test } from "vitest";
import { type Graph, type GraphBuilder, type RopeSpec, recordGraph, type Value } from "../../../src/graph/graph";
import { planBuffers, type Scratch } from "../../../src/plan/buffers";
import { DECODE_RULES, fuse, PREFILL_RULES } from "../../../src/plan/fuse";
import { intoOf, type LinearOp, opsOf, outsOf, type PlanOp, readsOf } from "../../../src/plan/ops";
import type { Rule } from "../../../src/plan/rules/rule";

const rope: RopeSpec = { style: "half", dims: 8, frequencies: [1, 0.1, 0.01, 0.001] };
const matrix = (name: string, rows: number, cols: number) => ({ name, shape: [rows, cols] });
const vector = (name: string, size: number) => ({ name, shape: [size] });

/** One layer of a Qwen3-like block; `sandwich` adds Gemma's norms after each half. */
function layer(g: GraphBuilder, x: Value, index: number, sandwich = false): Value {
  const h = g.rmsNorm(x, vector(`n${index}`, 16), 1e-6);
  const head = (weight: string, heads: number) =>
    g.rope(
      g.rmsNorm(g.linear(h, matrix(`${weight}${index}`, heads * 8, 16)), vector(`${weight}n${index}`, 8), 1e-6),
      8,
      rope,
    );
  const attended = g.attention(head("q", 4), head("k", 2), g.linear(h, matrix(`v${index}`, 16, 16)), {
    layer: index,
    headDim: 8,
  });
  const out = g.linear(attended, matrix(`o${index}`, 16, 32));
  const y = g.add(x, sandwich ? g.rmsNorm(out, vector(`p${index}`, 16), 1e-6) : out);
  const f = g.rmsNorm(y, vector(`f${index}`, 16), 1e-6);
  const gated = g.mul(g.silu(g.linear(f, matrix(`g${index}`, 24, 16))), g.linear(f, matrix(`u${index}`, 24, 16)));
  const down = g.linear(gated, matrix(`d${index}`, 16, 24));
  return g.add(y, sandwich ? g.rmsNorm(down, vector(`r${index}`, 16), 1e-6) : down);
}

function model(layers: number, sandwich = false): Graph {
  return recordGraph((g) => {
    let x = g.embed(matrix("embed", 64, 16));
    for (let i = 0; i < layers; i++) x = layer(g, x, i, sandwich);
    return g.linear(g.rmsNorm(g.outputRows(x), vector("norm", 16), 1e-6), matrix("head", 64, 16));
  });
}

const anyStack = () => true;
const noStack = () => false;

function fused(graph: Graph, rules: readonly Rule[] = DECODE_RULES, stackable = anyStack): PlanOp[] {
  return fuse(opsOf(graph), graph, rules, stackable);
}

const names = (ops: readonly PlanOp[]) => ops.map(({ op }) => op);
const linears = (ops: readonly PlanOp[]) => ops.filter((op): op is LinearOp => op.op === "linear");
const weightsOf = (op: LinearOp) => op.weights.map(({ name }) => name).join("+");

/** Gives every buffer the value it holds and checks each read: a buffer taken over too early shows. */
function checkBuffers(ops: readonly PlanOp[], output: Value, scratch: Scratch[] = []): number {
  const of = planBuffers(ops, output, scratch);
  const holds = new Map<number, number>();
  for (const op of ops) {
    for (const value of readsOf(op))
      expect(holds.get(of.get(value.id)!), `${op.op} reads value ${value.id}`).toBe(value.id);
    for (const out of outsOf(op)) {
      const buffer = of.get(out.id)!;
      const into = out === outsOf(op)[0] ? intoOf(op) : undefined;
      for (const value of readsOf(op)) {
        if (value.id !== into?.id) expect(of.get(value.id), `${op.op} writes what it reads`).not.toBe(buffer);
      }
      expect(scratch[buffer]!.width).toBeGreaterThanOrEqual(out.width);
      expect(scratch[buffer]!.rows).toBe(out.rows);
    }
    // All at once, so that two results in one buffer show when they are read.
    for (const out of outsOf(op)) holds.set(of.get(out.id)!, out.id);
  }
  expect(holds.get(of.get(output.id)!)).toBe(output.id);
  return scratch.length;
}

describe("decoding", () => {
  test.each([
    ["with head norms", false],
    ["with sandwich norms", true],
  ])("a dense layer %s becomes five operations, with two around all of them", (_, sandwich) => {
    const layer = ["linear", "decode_attention", "linear", "linear", "linear"];
    expect(names(fused(model(3, sandwich)))).toEqual(["embed", ...layer, ...layer, ...layer, "linear"]);
  });

  test("q, k and v are one linear, gate and up another; norms and sums belong to them", () => {
    const found = linears(fused(model(1)));
    expect(found.map(weightsOf)).toEqual(["q0+k0+v0", "o0", "g0+u0", "d0", "head"]);
    expect(found.filter(({ norm }) => norm).map(weightsOf)).toEqual(["q0+k0+v0", "g0+u0", "head"]);
    expect(found.filter(({ into }) => into).map(weightsOf)).toEqual(["o0", "d0"]);
    expect(found.map(({ gated, gather }) => gated ?? (gather && "gather"))).toEqual([
      ...[undefined, undefined, "silu", undefined],
      "gather",
    ]);
  });

  test("heads bring their norms and rope with them", () => {
    const attention = fused(model(1)).find((op) => op.op === "decode_attention");
    const named = { q: { name: "qn0" }, k: { name: "kn0" }, eps: 1e-6 };
    expect(attention).toMatchObject({ qkv: { heads: 4, kvHeads: 2, headNorm: named, rope }, spec: { layer: 0 } });
  });

  test("a sandwich norm is computed by the next linear, which writes the sum unless it is the last", () => {
    const found = linears(fused(model(2, true)));
    expect(found.map(({ sandwich }) => sandwich && [sandwich.gain.name, sandwich.sum !== undefined])).toEqual([
      ...[undefined, undefined, ["p0", true], undefined],
      ...[["r0", true], undefined, ["p1", true], undefined],
      ["r1", false],
    ]);
    expect(found.some(({ into }) => into)).toBe(false);
  });

  test("biases of q, k and v are stacked when all have one, and keep them apart when one has none", () => {
    const biased = (names: readonly string[]) =>
      recordGraph((g) => {
        const h = g.rmsNorm(g.embed(matrix("embed", 64, 16)), vector("n", 16), 1e-6);
        const part = (name: string, rows: number) =>
          g.linear(h, matrix(name, rows, 16), names.includes(name) ? vector(`${name}b`, rows) : undefined);
        const attended = g.attention(part("q", 32), part("k", 16), part("v", 16), { layer: 0, headDim: 8 });
        return g.linear(g.outputRows(attended), matrix("head", 64, 32));
      });
    const [stacked] = linears(fused(biased(["q", "k", "v"])));
    expect(stacked!.biases!.map(({ name }) => name)).toEqual(["qb", "kb", "vb"]);
    expect(linears(fused(biased(["q", "k"]))).map(weightsOf)).toEqual(["q", "k", "v", "head"]);
  });

  test("matrices that cannot share a dispatch stay apart", () => {
    const ops = fused(model(1), DECODE_RULES, noStack);
    expect(linears(ops).map(weightsOf)).toEqual(["q0", "k0", "v0", "o0", "g0", "u0", "d0", "head"]);
    expect(names(ops)).toContain("kv_append");
    checkBuffers(ops, model(1).output);
  });

  test("q, k and v apart read the sum that the first of them writes", () => {
    const graph = model(2, true);
    const ops = fused(graph, DECODE_RULES, noStack);
    expect(
      linears(ops)
        .filter(({ sandwich }) => sandwich)
        .map(weightsOf),
    ).toEqual(["g0", "q1", "g1", "head"]);
    checkBuffers(ops, graph.output);
  });
});

describe("prefill", () => {
  test.each([
    ["six", false],
    ["eight, with the sandwich norms,", true],
  ])("a dense layer becomes %s operations", (_, sandwich) => {
    const norm = sandwich ? ["rms_norm"] : [];
    const layer = ["linear", "prepare_qkv", "attention", "linear", ...norm, "linear", "linear", ...norm];
    expect(names(fused(model(2, sandwich), PREFILL_RULES))).toEqual(["embed", ...layer, ...layer, "linear"]);
  });

  test("both plans read the same matrices", () => {
    const weights = (rules: readonly Rule[]) => linears(fused(model(2, true), rules)).map(weightsOf);
    expect(weights(PREFILL_RULES)).toEqual(weights(DECODE_RULES));
  });
});

describe("what must stay", () => {
  test("a residual that is read again later is not overwritten", () => {
    const graph = recordGraph((g) => {
      const x = g.embed(matrix("embed", 64, 16));
      const y = g.add(x, g.linear(g.silu(x), matrix("a", 16, 16)));
      return g.outputRows(g.mul(x, y));
    });
    const ops = fused(graph);
    expect(names(ops)).toEqual(["embed", "unary", "linear", "add", "mul", "output_rows"]);
    checkBuffers(ops, graph.output);
  });

  test("an activation that is used twice", () => {
    const graph = recordGraph((g) => {
      const x = g.embed(matrix("embed", 64, 16));
      const a = g.silu(x);
      return g.outputRows(g.mul(a, a));
    });
    expect(names(fused(graph))).toEqual(["embed", "unary", "mul", "output_rows"]);
  });

  test("a query that something else reads too", () => {
    const graph = recordGraph((g) => {
      const x = g.embed(matrix("embed", 64, 16));
      const q = g.linear(x, matrix("q", 16, 16));
      const attended = g.attention(q, g.linear(x, matrix("k", 16, 16)), g.linear(x, matrix("v", 16, 16)), {
        layer: 0,
        headDim: 8,
      });
      return g.outputRows(g.mul(attended, q));
    });
    expect(names(fused(graph))).toContain("attention");
    checkBuffers(fused(graph), graph.output);
  });

  test("rows that the head and something else read", () => {
    const graph = recordGraph((g) => {
      const rows = g.outputRows(g.embed(matrix("embed", 64, 16)));
      return g.add(g.linear(rows, matrix("a", 16, 16)), rows);
    });
    expect(names(fused(graph))).toEqual(["embed", "output_rows", "linear", "add"]);
    checkBuffers(fused(graph), graph.output);
  });
});

describe.each([
  ["decoding", DECODE_RULES],
  ["prefill", PREFILL_RULES],
])("each rule of %s", (_, rules) => {
  test.each([...rules])("'$name' saves dispatches", ({ name }) => {
    const graph = model(2, name.includes("sandwich"));
    const fewer = fused(
      graph,
      rules.filter((rule) => rule.name !== name),
    );
    expect(fewer.length).toBeGreaterThan(fused(graph, rules).length);
    checkBuffers(fewer, graph.output);
  });
});

describe("buffers", () => {
  test.each([
    ["plain", false],
    ["sandwich norms", true],
  ])("%s: every read finds its value, and layers share buffers", (_, sandwich) => {
    const count = (layers: number, rules: readonly Rule[]) => {
      const graph = model(layers, sandwich);
      return checkBuffers(fused(graph, rules), graph.output);
    };
    expect(count(6, DECODE_RULES)).toBe(count(2, DECODE_RULES));
    expect(count(6, PREFILL_RULES)).toBe(count(2, PREFILL_RULES));
  });

  test("the second plan uses the buffers of the first", () => {
    const graph = model(2, true);
    const scratch: Scratch[] = [];
    const first = checkBuffers(fused(graph), graph.output, scratch);
    expect(checkBuffers(fused(graph, PREFILL_RULES), graph.output, scratch) - first).toBeLessThanOrEqual(1);
  });
});
