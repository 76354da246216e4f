// Runs a graph's nodes over the rows of one step, in order, in f64.

import { type Graph, inputsOf, type Node, type Value } from "../../graph/graph";
import { type AttentionRow, attention } from "./attention";
import { add, mul, scale, softcap, unary } from "./elementwise";
import type { KvCache } from "./kv";
import { embed, linear } from "./linear";
import { layerNorm, rmsNorm } from "./norm";
import { rope } from "./rope";
import { type Matrix, zeros } from "./tensor";
import type { ReferenceWeights } from "./weights";

export interface ReferenceRow extends AttentionRow {
  readonly token: number;
}

/**
 * @param outputs Indices of the rows whose logits are wanted.
 * @returns Logits `[outputs, vocab]`.
 */
export function execute(
  graph: Graph,
  weights: ReferenceWeights,
  cache: KvCache,
  rows: readonly ReferenceRow[],
  outputs: readonly number[],
): Matrix {
  const values = new Map<number, Matrix>();
  const read = (value: Value): Matrix => values.get(value.id)!;
  const lastUse = lastUses(graph);
  graph.nodes.forEach((node, at) => {
    values.set(node.out.id, evaluate(node, read, weights, cache, rows, outputs));
    for (const input of inputsOf(node)) if (lastUse.get(input.id) === at) values.delete(input.id);
  });
  return read(graph.output);
}

function evaluate(
  node: Node,
  read: (value: Value) => Matrix,
  weights: ReferenceWeights,
  cache: KvCache,
  rows: readonly ReferenceRow[],
  outputs: readonly number[],
): Matrix {
  switch (node.op) {
    case "embed": {
      const tokens = rows.map((row) => row.token);
      return embed(weights.get(node.weight), node.out.width, tokens, node.scale);
    }
    case "linear":
      return linear(read(node.x), weights.get(node.weight), node.out.width, weights.optional(node.bias));
    case "rms_norm":
      return rmsNorm(read(node.x), weights.get(node.weight), node.eps);
    case "layer_norm":
      return layerNorm(read(node.x), weights.get(node.weight), weights.optional(node.bias), node.eps);
    case "rope": {
      const positions = rows.map((row) => row.position);
      return rope(read(node.x), node.headDim, node.rope, weights.optional(node.rope.factors), positions);
    }
    case "attention": {
      const sinks = weights.optional(node.spec.sinks);
      return attention(read(node.q), read(node.k), read(node.v), node.spec, sinks, rows, cache);
    }
    case "add":
      return add(read(node.a), read(node.b));
    case "mul":
      return mul(read(node.a), read(node.b));
    case "unary":
      return unary(node.kind, read(node.x));
    case "scale":
      return scale(read(node.x), node.factor);
    case "softcap":
      return softcap(read(node.x), node.cap);
    case "output_rows":
      return pickRows(read(node.x), outputs);
  }
}

function pickRows(x: Matrix, indices: readonly number[]): Matrix {
  const y = zeros(indices.length, x.width);
  indices.forEach((index, row) => {
    y.data.set(x.data.subarray(index * x.width, (index + 1) * x.width), row * x.width);
  });
  return y;
}

/** By value: the index of the last node that reads it. */
function lastUses(graph: Graph): ReadonlyMap<number, number> {
  const last = new Map<number, number>();
  graph.nodes.forEach((node, at) => {
    for (const input of inputsOf(node)) last.set(input.id, at);
  });
  return last;
}
