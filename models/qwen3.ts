import { defineModel, weight } from "./model";
import { ropeLinearFactor, ropeSpec } from "./rope";

/**
 * Qwen3, dense variants (0.6B to 32B): Llama with RMSNorm on each query and key head, RoPE over the halves of a head,
 * and no biases.
 *
 * Source: transformers `modeling_qwen3.py`; tensor names and keys from llama.cpp `llama-arch.cpp` (QWEN3).
 */
export const qwen3 = defineModel({
  architecture: "qwen3",

  config: (meta) => {
    const dim = meta.int("qwen3.embedding_length");
    const heads = meta.int("qwen3.attention.head_count");
    const headDim = meta.int("qwen3.attention.key_length", dim / heads); // 128 even where dim / heads is not
    meta.only("qwen3.attention.value_length", headDim);
    return {
      layers: meta.int("qwen3.block_count"),
      dim,
      hidden: meta.int("qwen3.feed_forward_length"),
      heads,
      kvHeads: meta.int("qwen3.attention.head_count_kv", heads),
      headDim,
      context: meta.int("qwen3.context_length"),
      vocab: meta.rows("token_embd.weight"), // the token list may be absent or shorter
      eps: meta.float("qwen3.attention.layer_norm_rms_epsilon"),
      ropeDims: meta.int("qwen3.rope.dimension_count", headDim),
      ropeBase: meta.float("qwen3.rope.freq_base", 10_000),
      ropeFactor: ropeLinearFactor(meta),
    };
  },

  weights: (c) => {
    const embed = weight("token_embd.weight", [c.vocab, c.dim]);
    return {
      embed,
      layers: Array.from({ length: c.layers }, (_, i) => ({
        attnNorm: weight(`blk.${i}.attn_norm.weight`, [c.dim]),
        q: weight(`blk.${i}.attn_q.weight`, [c.heads * c.headDim, c.dim]),
        k: weight(`blk.${i}.attn_k.weight`, [c.kvHeads * c.headDim, c.dim]),
        v: weight(`blk.${i}.attn_v.weight`, [c.kvHeads * c.headDim, c.dim]),
        qNorm: weight(`blk.${i}.attn_q_norm.weight`, [c.headDim]),
        kNorm: weight(`blk.${i}.attn_k_norm.weight`, [c.headDim]),
        out: weight(`blk.${i}.attn_output.weight`, [c.dim, c.heads * c.headDim]),
        ffnNorm: weight(`blk.${i}.ffn_norm.weight`, [c.dim]),
        gate: weight(`blk.${i}.ffn_gate.weight`, [c.hidden, c.dim]),
        up: weight(`blk.${i}.ffn_up.weight`, [c.hidden, c.dim]),
        down: weight(`blk.${i}.ffn_down.weight`, [c.dim, c.hidden]),
      })),
      norm: weight("output_norm.weight", [c.dim]),
      head: weight("output.weight", [c.vocab, c.dim], embed), // tied in the small models
    };
  },

  forward(g, c, w) {
    const rope = ropeSpec("half", c.ropeDims, c.ropeBase, c.ropeFactor);
    let x = g.embed(w.embed); // [tokens, dim]

    w.layers.forEach((l, layer) => {
      const h = g.rmsNorm(x, l.attnNorm, c.eps);
      // A gain of [headDim] on [tokens, heads · headDim] norms head by head.
      const q = g.rope(g.rmsNorm(g.linear(h, l.q), l.qNorm, c.eps), c.headDim, rope);
      const k = g.rope(g.rmsNorm(g.linear(h, l.k), l.kNorm, c.eps), c.headDim, rope);
      const v = g.linear(h, l.v);
      x = g.add(x, g.linear(g.attention(q, k, v, { layer, headDim: c.headDim }), l.out));

      const f = g.rmsNorm(x, l.ffnNorm, c.eps);
      x = g.add(x, g.linear(g.mul(g.silu(g.linear(f, l.gate)), g.linear(f, l.up)), l.down));
    });

    return g.linear(g.rmsNorm(g.outputRows(x), w.norm, c.eps), w.head); // [outputs, vocab]
  },
});
