import { defineModel, optionalWeight, weight } from "./model";
import { ropeLinearFactor, ropeSpec } from "./rope";

/**
 * Llama 1 to 3.2, dense, and the many models of the same shape (TinyLlama, Mistral 7B, SmolLM2, stories260K).
 *
 * The rows of q and k are permuted in GGUF files, so that RoPE turns neighbouring elements. Llama 3.1 and later bring
 * their frequency divisors as `rope_freqs.weight`. Source: transformers `modeling_llama.py`; tensor names and keys from
 * llama.cpp `llama-arch.cpp` (LLAMA) and `convert_hf_to_gguf.py` (LlamaModel).
 */
export const llama = defineModel({
  architecture: "llama",

  config: (meta) => {
    const dim = meta.int("llama.embedding_length");
    const heads = meta.int("llama.attention.head_count");
    const headDim = meta.int("llama.attention.key_length", dim / heads);
    meta.only("llama.attention.value_length", headDim);
    meta.only("llama.expert_count", 0); // Mixtral
    return {
      layers: meta.int("llama.block_count"),
      dim,
      hidden: meta.int("llama.feed_forward_length"),
      heads,
      kvHeads: meta.int("llama.attention.head_count_kv", heads),
      headDim,
      context: meta.int("llama.context_length"),
      vocab: meta.rows("token_embd.weight"), // the token list may be absent or shorter
      eps: meta.float("llama.attention.layer_norm_rms_epsilon"),
      ropeDims: meta.int("llama.rope.dimension_count", headDim),
      ropeBase: meta.float("llama.rope.freq_base", 10_000),
      ropeFactor: ropeLinearFactor(meta),
    };
  },

  weights: (c) => {
    const embed = weight("token_embd.weight", [c.vocab, c.dim]);
    return {
      embed,
      ropeFactors: optionalWeight("rope_freqs.weight", [c.ropeDims / 2]),
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
        gateBias: optionalWeight(`blk.${i}.ffn_gate.bias`, [c.hidden]),
        up: weight(`blk.${i}.ffn_up.weight`, [c.hidden, c.dim]),
        upBias: optionalWeight(`blk.${i}.ffn_up.bias`, [c.hidden]),
        down: weight(`blk.${i}.ffn_down.weight`, [c.dim, c.hidden]),
        downBias: optionalWeight(`blk.${i}.ffn_down.bias`, [c.dim]),
      })),
      norm: weight("output_norm.weight", [c.dim]),
      head: weight("output.weight", [c.vocab, c.dim], embed), // tied in the small models
    };
  },

  forward(g, c, w) {
    const rope = ropeSpec("adjacent", c.ropeDims, c.ropeBase, c.ropeFactor, w.ropeFactors);
    let x = g.embed(w.embed); // [tokens, dim]

    w.layers.forEach((l, layer) => {
      const h = g.rmsNorm(x, l.attnNorm, c.eps);
      const q = g.rope(g.linear(h, l.q, l.qBias), c.headDim, rope); // [tokens, heads · headDim]
      const k = g.rope(g.linear(h, l.k, l.kBias), c.headDim, rope); // [tokens, kvHeads · headDim]
      const v = g.linear(h, l.v, l.vBias);
      x = g.add(x, g.linear(g.attention(q, k, v, { layer, headDim: c.headDim }), l.out, l.outBias));

      const f = g.rmsNorm(x, l.ffnNorm, c.eps);
      const gated = g.mul(g.silu(g.linear(f, l.gate, l.gateBias)), g.linear(f, l.up, l.upBias)); // [tokens, hidden]
      x = g.add(x, g.linear(gated, l.down, l.downBias));
    });

    return g.linear(g.rmsNorm(g.outputRows(x), w.norm, c.eps), w.head); // [outputs, vocab]
  },
});
