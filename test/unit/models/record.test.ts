// From a file's header to a graph: what is refused, with which code and which words.

import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../src/errors";
import { recordModel } from "../../../src/model/record";
import { type HeaderChanges, headerOf } from "../../support/model_files";

interface Refusal {
  readonly name: string;
  readonly architecture?: string;
  readonly changes?: HeaderChanges;
  readonly code: ErrorCode;
  /** What the message must say. */
  readonly says: readonly string[];
}

const refusals: readonly Refusal[] = [
  {
    name: "an unknown architecture, naming those that are known",
    architecture: "mamba",
    code: "file-unsupported",
    says: ['"mamba"', "gemma3, llama, qwen2, qwen3"],
  },
  {
    name: "a missing size",
    changes: { metadata: { block_count: undefined } },
    code: "metadata-missing",
    says: ["llama.block_count", "llama.gguf"],
  },
  {
    name: "a size that is a string",
    changes: { metadata: { embedding_length: "37" } },
    code: "metadata-type",
    says: ["llama.embedding_length"],
  },
  {
    name: "layers that would allocate without end",
    changes: { metadata: { block_count: 2 ** 31 } },
    code: "file-corrupt",
    says: ["llama.block_count", "2147483648", "1000"],
  },
  {
    name: "no heads",
    changes: { metadata: { "attention.head_count": 0 } },
    code: "file-corrupt",
    says: ["llama.attention.head_count"],
  },
  {
    name: "head size that cannot be derived",
    changes: { metadata: { "attention.key_length": undefined } },
    code: "metadata-missing",
    says: ["llama.attention.key_length", "whole number"],
  },
  {
    name: "a negative epsilon",
    changes: { metadata: { "attention.layer_norm_rms_epsilon": -1e-6 } },
    code: "file-corrupt",
    says: ["layer_norm_rms_epsilon"],
  },
  {
    name: "query heads that key heads do not divide",
    changes: {
      metadata: { "attention.head_count_kv": 4 },
      tensors: Object.fromEntries(
        [0, 1, 2, 3, 4, 5, 6].flatMap((i) => [
          [`blk.${i}.attn_k.weight`, { shape: [88, 37] }],
          [`blk.${i}.attn_v.weight`, { shape: [88, 37] }],
        ]),
      ),
    },
    code: "tensor-shape",
    says: ["6 query heads over 4 key heads"],
  },
  {
    name: "values of another width than keys",
    changes: { metadata: { "attention.value_length": 44 } },
    code: "file-unsupported",
    says: ["llama.attention.value_length", "44"],
  },
  {
    name: "an odd number of rotary elements",
    changes: { metadata: { "rope.dimension_count": 7 } },
    code: "tensor-shape",
    says: ["rope"],
  },
  {
    name: "RoPE scaling of another kind",
    changes: { metadata: { "rope.scaling.type": "yarn" } },
    code: "file-unsupported",
    says: ['RoPE scaling "yarn"'],
  },
  {
    name: "a mixture of experts under Llama's name (Mixtral)",
    changes: { metadata: { expert_count: 8 } },
    code: "file-unsupported",
    says: ["llama.expert_count"],
  },
  {
    name: "a missing tensor",
    changes: { tensors: { "blk.3.ffn_up.weight": undefined } },
    code: "tensor-missing",
    says: ["blk.3.ffn_up.weight", "[53, 37]"],
  },
  {
    name: "a missing embedding, whose rows are the vocabulary",
    changes: { tensors: { "token_embd.weight": undefined } },
    code: "tensor-missing",
    says: ["token_embd.weight"],
  },
  {
    name: "a tensor of another shape",
    changes: { tensors: { "blk.0.attn_q.weight": { shape: [37, 132] } } },
    code: "tensor-shape",
    says: ['tensor "blk.0.attn_q.weight" is [37, 132]', "[132, 37]", "converted for a different model"],
  },
  {
    name: "an optional tensor of another shape",
    changes: { tensors: { "blk.0.attn_q.bias": { shape: [131] } } },
    code: "tensor-shape",
    says: ["blk.0.attn_q.bias"],
  },
  {
    name: "a weight type without a format",
    changes: { tensors: { "blk.2.ffn_gate.weight": { type: "IQ1_M" } } },
    code: "file-unsupported",
    says: ["blk.2.ffn_gate.weight", "IQ1_M", "Q4_0"],
  },
  {
    name: "tensors that would be ignored silently",
    changes: { tensors: { "blk.0.attn_q_norm.weight": { shape: [22] } } },
    code: "file-unsupported",
    says: ["blk.0.attn_q_norm.weight"],
  },
];

test.each(refusals)("refused: $name", ({ architecture = "llama", changes, code, says }) => {
  const file = headerOf(architecture, changes);
  expect(() => recordModel(file)).toThrow(expect.objectContaining({ name: "FennecError", code }));
  for (const words of says) expect(() => recordModel(file)).toThrow(words);
});

describe("what a file says", () => {
  test("an absent head is tied to the embedding, and the tensor is listed once", () => {
    const { graph, weights } = recordModel(headerOf("llama"));
    expect(graph.nodes.at(-1)).toMatchObject({ op: "linear", weight: { name: "token_embd.weight" } });
    expect(weights.filter(({ ref }) => ref.name === "token_embd.weight")).toHaveLength(1);
  });

  test("a head of its own is used", () => {
    const { graph } = recordModel(headerOf("llama", { tensors: { "output.weight": { shape: [101, 37] } } }));
    expect(graph.nodes.at(-1)).toMatchObject({ weight: { name: "output.weight" } });
  });

  test("linear RoPE scaling divides the frequencies, under its old key too", () => {
    const factor4 = { "rope.scaling.factor": 4, "rope.scaling.type": "linear" };
    for (const metadata of [factor4, { "rope.scale_linear": 4 }]) {
      const rope = ropes("qwen3", { metadata })[0]!;
      expect(rope.frequencies[0]).toBe(0.25);
      expect(rope.style).toBe("half");
    }
  });

  test("rotary elements fewer than the head", () => {
    const rope = ropes("llama", { metadata: { "rope.dimension_count": 10 } })[0]!;
    expect(rope).toMatchObject({ style: "adjacent", dims: 10 });
    expect(rope.frequencies).toHaveLength(5);
    expect(rope.frequencies[1]).toBeCloseTo(10_000 ** -0.2, 15);
  });

  test("Llama 3's frequency factors reach every rope", () => {
    const list = ropes("llama", { tensors: { "rope_freqs.weight": { shape: [11] } } });
    for (const rope of list) expect(rope.factors).toEqual({ name: "rope_freqs.weight", shape: [11] });
  });

  test("Gemma 3: each sixth layer is global, with the global base and its scaling", () => {
    const { graph } = recordModel(headerOf("gemma3", { metadata: { "rope.scaling.factor": 8 } }));
    expect(graph.caches.map(({ window }) => window)).toEqual([13, 13, 13, 13, 13, undefined, 13]);
    const list = ropes("gemma3", { metadata: { "rope.scaling.factor": 8 } });
    expect(list[10]!.frequencies[0]).toBe(1 / 8); // layer 5's q
    expect(list[10]!.frequencies[1]).toBeCloseTo(1e6 ** (-2 / 22) / 8, 15);
    expect(list[0]!.frequencies[0]).toBe(1);
    expect(list[0]!.frequencies[1]).toBeCloseTo(1e4 ** (-2 / 22), 15);
  });

  test.each([
    ["a period", 3, [13, 13, undefined, 13, 13, undefined, 13]],
    ["flags", [true, false, false, true, true, true, false], [13, undefined, undefined, 13, 13, 13, undefined]],
  ])("Gemma 3's window pattern as %s", (_, pattern, windows) => {
    const { graph } = recordModel(headerOf("gemma3", { metadata: { "attention.sliding_window_pattern": pattern } }));
    expect(graph.caches.map(({ window }) => window)).toEqual(windows);
  });

  test("Gemma 3's logit cap, where a file has one", () => {
    const { graph } = recordModel(headerOf("gemma3", { metadata: { final_logit_softcapping: 30 } }));
    expect(graph.nodes.at(-1)).toMatchObject({ op: "softcap", cap: 30 });
  });
});

function ropes(architecture: string, changes: HeaderChanges) {
  const { graph } = recordModel(headerOf(architecture, changes));
  return graph.nodes.flatMap((node) => (node.op === "rope" ? [node.rope] : []));
}
