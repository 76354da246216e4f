import { describe, expect, test } from "vitest";
import { type Graph, type GraphBuilder, type RopeSpec, recordGraph, type Value } from "../../../src/graph/graph";
import { planBuffers } from "../../../src/plan/buffers";
import { FUSION_RULES, fuse } from "../../../src/plan/fuse";
import { opsOf, outOf, type PlanOp, readsOf } from "../../../src/plan/ops";

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

/** Gives every buffer the value it holds and checks each read: a buffer taken over too early shows. */
function checkBuffers(ops: readonly PlanOp[], output: Value): number {
  const { scratch, of } = planBuffers(ops, output);
  const holds = new Map<number, number>();
  for (const op of ops) {
    for (const value of readsOf(op))
      expect(holds.get(of.get(value.id)!), `${op.op} reads value ${value.id}`).toBe(value.id);
    const out = outOf(op);
    if (!out) continue;
    const buffer = of.get(out.id)!;
    const into = "into" in op ? op.into : undefined;
    for (const value of readsOf(op)) {
      if (value.id !== into?.id) expect(of.get(value.id), `${op.op} writes what it reads`).not.toBe(buffer);
    }
    expect(scratch[buffer]!.width).toBeGreaterThanOrEqual(out.width);
    expect(scratch[buffer]!.rows).toBe(out.rows);
    holds.set(buffer, out.id);
  }
  expect(holds.get(of.get(output.id)!)).toBe(output.id);
  return scratch.length;
}

describe("fusion", () => {
  test("a dense layer with head norms becomes twelve operations", () => {
    const [one, two] = [1, 2].map((layers) => fuse(opsOf(model(layers)), model(layers)).map(({ op }) => op));
    expect(two!.length - one!.length).toBe(12);
    expect(one).toEqual([
      "embed",
      ...["linear", "rope", "linear", "rope", "linear", "kv_append", "attention", "linear"],
      ...["linear", "linear", "gated", "linear"],
      ...["output_rows", "linear"],
    ]);
  });

  test("norms on the way in and sums on the way out belong to the linears", () => {
    const linears = fuse(opsOf(model(1)), model(1)).filter((op) => op.op === "linear");
    const named = (property: "norm" | "into") => linears.filter((op) => op[property]).map((op) => op.weight.name);
    expect(named("norm")).toEqual(["q0", "k0", "v0", "g0", "u0", "head"]);
    expect(named("into")).toEqual(["o0", "d0"]);
  });

  test("a sandwich norm adds into the residual itself", () => {
    const graph = model(1, true);
    const norms = fuse(opsOf(graph), graph).filter((op) => op.op === "rms_norm");
    expect(norms.map((op) => [op.weight.name, op.into !== undefined])).toEqual([
      ["p0", true],
      ["r0", true],
    ]);
  });

  test("a residual that is read again later is not overwritten", () => {
    const graph = recordGraph((g) => {
      const x = g.embed(matrix("embed", 64, 16));
      const y = g.add(x, g.linear(g.silu(x), matrix("a", 16, 16)));
      return g.outputRows(g.mul(x, y));
    });
    const ops = fuse(opsOf(graph), graph);
    expect(ops.map(({ op }) => op)).toEqual(["embed", "unary", "linear", "add", "mul", "output_rows"]);
    checkBuffers(ops, graph.output);
  });

  test("an activation that is used twice stays", () => {
    const graph = recordGraph((g) => {
      const x = g.embed(matrix("embed", 64, 16));
      const a = g.silu(x);
      return g.outputRows(g.mul(a, a));
    });
    expect(fuse(opsOf(graph), graph).map(({ op }) => op)).toEqual(["embed", "unary", "mul", "output_rows"]);
  });

  test.each(FUSION_RULES)("without the rule '$name' there are more dispatches", ({ name }) => {
    const graph = model(2, name.includes("residual"));
    const all = fuse(opsOf(graph), graph);
    const fewer = fuse(
      opsOf(graph),
      graph,
      FUSION_RULES.filter((rule) => rule.name !== name),
    );
    expect(fewer.length).toBeGreaterThan(all.length);
    checkBuffers(fewer, graph.output);
  });
});

describe("buffers", () => {
  test.each([
    ["plain", false],
    ["sandwich norms", true],
  ])("%s: every read finds its value, and layers share buffers", (_, sandwich) => {
    const count = (layers: number) => {
      const graph = model(layers, sandwich);
      return checkBuffers(fuse(opsOf(graph), graph), graph.output);
    };
    expect(count(6)).toBe(count(2));
  });
});
