// What a model costs whatever runs it: bytes and operations of a token, from its recorded graph.

import { formatOf } from "../kernels/quant/index";
import type { WeightsFile } from "../src/files/weights_file";
import type { Graph } from "../src/graph/graph";
import { recordModel } from "../src/model/record";

export interface ModelCosts {
  readonly parameters: number;
  readonly fileBytes: number;
  /** Longest context of the model, tokens. */
  readonly context: number;
  readonly vocab: number;
  /** Bytes of weights that a step of decoding reads: all but an embedding that is only looked up in. */
  readonly weightBytes: number;
  /** Weights that every token of a prompt is multiplied with, and those of the head, which only the last token is. */
  readonly bodyWeights: number;
  readonly headWeights: number;
  /** Elements of keys and values that a token reads in a context of so many tokens, itself included. */
  kvElements(context: number): number;
  /** f32 operations of attention for `tokens` tokens after `depth` others. */
  attentionFlops(depth: number, tokens: number): number;
}

/** @throws FennecError as `recordModel`. */
export function modelCosts(file: WeightsFile): ModelCosts {
  const { graph, config, weights } = recordModel(file);
  const multiplied = new Map<string, number>();
  for (const node of graph.nodes) {
    if (node.op === "linear")
      multiplied.set(
        node.weight.name,
        node.weight.shape.reduce((a, b) => a * b, 1),
      );
  }
  const head = headOf(graph);
  const matrixBytes = weights.reduce((sum, { ref, tensor }) => sum + (multiplied.has(ref.name) ? tensor.bytes : 0), 0);
  const vectorBytes = weights.reduce((sum, { ref, tensor }) => sum + (ref.shape.length === 1 ? tensor.bytes : 0), 0);
  const headWeights = multiplied.get(head ?? "") ?? 0;
  const all = [...multiplied.values()].reduce((a, b) => a + b, 0);
  const seen = (context: number, window = Number.POSITIVE_INFINITY): number => Math.min(context, window);
  return {
    parameters: [...file.tensors.values()].reduce((sum, { bytes, type }) => sum + weightsIn(bytes, type), 0),
    fileBytes: file.bytes,
    context: config.context,
    vocab: config.vocab,
    weightBytes: matrixBytes + vectorBytes,
    bodyWeights: all - headWeights,
    headWeights,
    kvElements: (context) =>
      graph.caches.reduce(
        (sum, { kvHeads, headDim, window }) => sum + 2 * kvHeads * headDim * seen(context, window),
        0,
      ),
    attentionFlops(depth, tokens) {
      let keys = 0;
      for (const { window } of graph.caches) {
        for (let i = 1; i <= tokens; i++) keys += seen(depth + i, window);
      }
      return 4 * queryWidth(graph) * keys;
    },
  };
}

/** Weights in so many bytes; types that are not run count by the byte. */
function weightsIn(bytes: number, type: string): number {
  const { blockWeights, blockBytes } = formatOf(type);
  return (bytes / blockBytes) * blockWeights;
}

/** Name of the matrix that makes the logits. */
function headOf(graph: Graph): string | undefined {
  const last = graph.nodes.filter((node) => node.op === "linear").at(-1);
  return last?.op === "linear" ? last.weight.name : undefined;
}

/** Elements of all query heads of a token. */
function queryWidth(graph: Graph): number {
  const attention = graph.nodes.find((node) => node.op === "attention");
  return attention?.op === "attention" ? attention.q.width : 0;
}
