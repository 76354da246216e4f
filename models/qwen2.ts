import { defineModel, optionalWeight, weight } from "./model";
import { ropeLinearFactor, ropeSpec } from "./rope";

/**
 * Qwen2 and Qwen2.5, dense: Llama with biases on q, k and v, and RoPE over the halves of a head.
 *
 * Source: transformers `modeling_qwen2.py`; tensor names and keys from llama.cpp `llama-arch.cpp` (QWEN2).
 */
export const qwen2 = defineModel({
  architecture: "qwen2",

  config: (meta) => {
    const dim = meta.int("qwen2.embedding_length");
    const heads = meta.int("qwen2.attention.head_count");
    const headDim = meta.int("qwen2.attention.key_length", dim / heads);
    meta.only("qwen2.attention.value_length", headDim);
    return {
      layers: meta.int("qwen2.block_count"),
      dim,
      hidden: meta.int("qwen2.feed_forward_length"),
      heads,
      kvHeads: meta.int("qwen2.attention.head_count_kv", heads),
      headDim,
      context: meta.int("qwen2.context_length"),
      vocab: meta.rows("token_embd.weight"), // padded: longer than the token list in the larger models
      eps: meta.float("qwen2.attention.layer_norm_rms_epsilon"),
      ropeDims: meta.int("qwen2.rope.dimension_count", headDim),
      ropeBase: meta.float("qwen2.rope.freq_base", 10_000),
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
        qBias: optionalWeight(`blk.${i}.attn_q.bias`, [c.heads * c.headDim]),
        k: weight(`blk.${i}.attn_k.weight`, [c.kvHeads * c.headDim, c.dim]),
        kBias: optionalWeight(`blk.${i}.attn_k.bias`, [c.kvHeads * c.headDim]),
        v: weight(`blk.${i}.attn_v.weight`, [c.kvHeads * c.headDim, c.dim]),
        vBias: optionalWeight(`blk.${i}.attn_v.bias`, [c.kvHeads * c.headDim]),
        out: weight(`blk.${i}.attn_output.weight`, [c.dim, c.heads * c.headDim]),
        outBias: optionalWeight(`blk.${i}.attn_output.bias`, [c.dim]),
        ffnNorm: weight(`blk.${i}.ffn_norm.weight`, [c.dim]),
        gate: weight(`blk.${i}.ffn_gate.weight`, [c.hidden, c.dim]),
        up: weight(`blk.${i}.ffn_up.weight`, [c.hidden, c.dim]),
        down: weight(`blk.${i}.ffn_down.weight`, [c.dim, c.hidden]),
      })),
      norm: weight("output_norm.weight", [c.dim]),
      head: weight("output.weight", [c.vocab, c.dim], embed), // tied in the small models
      headBias: optionalWeight("output.bias", [c.vocab]),
    };
  },

  forward(g, c, w) {
    const rope = ropeSpec("half", c.ropeDims, c.ropeBase, c.ropeFactor);
    let x = g.embed(w.embed); // [tokens, dim]

    w.layers.forEach((l, layer) => {
      const h = g.rmsNorm(x, l.attnNorm, c.eps);
      const q = g.rope(g.linear(h, l.q, l.qBias), c.headDim, rope); // [tokens, heads · headDim]
      const k = g.rope(g.linear(h, l.k, l.kBias), c.headDim, rope); // [tokens, kvHeads · headDim]
      const v = g.linear(h, l.v, l.vBias);
      x = g.add(x, g.linear(g.attention(q, k, v, { layer, headDim: c.headDim }), l.out, l.outBias));

      const f = g.rmsNorm(x, l.ffnNorm, c.eps);
      x = g.add(x, g.linear(g.mul(g.silu(g.linear(f, l.gate)), g.linear(f, l.up)), l.down));
    });

    return g.linear(g.rmsNorm(g.outputRows(x), w.norm, c.eps), w.head, w.headBias); // [outputs, vocab]
  },
});
