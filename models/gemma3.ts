import { defineModel, weight } from "./model";
import { ropeLinearFactor, ropeSpec } from "./rope";

/** Five layers with a window, then one without, where the file does not say otherwise. Source: Gemma 3 report, section 2. */
const WINDOW_PATTERN = 6;

/**
 * Gemma 3 text models (270M to 27B): windowed and global layers in turn with their own RoPE bases, RMSNorm on query and
 * key heads and on both sides of each block, GELU gates, embeddings times sqrt(dim).
 *
 * GGUF stores the norm gains with their 1 added. Linear RoPE scaling holds for the global layers only. Source: Gemma 3
 * report, arXiv:2503.19786; transformers `modeling_gemma3.py`; tensor names and keys from llama.cpp `llama-arch.cpp`
 * (GEMMA3), window pattern and query scale of the 27B from its `llama-model.cpp`.
 */
export const gemma3 = defineModel({
  architecture: "gemma3",

  config: (meta) => {
    const dim = meta.int("gemma3.embedding_length");
    const heads = meta.int("gemma3.attention.head_count");
    const headDim = meta.int("gemma3.attention.key_length", dim / heads);
    meta.only("gemma3.attention.value_length", headDim);
    const layers = meta.int("gemma3.block_count");
    // The 27B divides by sqrt(dim / heads) = sqrt(168), though its heads have 128 elements, and its file has no key.
    const queryWidth = layers === 62 ? dim / heads : headDim;
    return {
      layers,
      dim,
      hidden: meta.int("gemma3.feed_forward_length"),
      heads,
      kvHeads: meta.int("gemma3.attention.head_count_kv", heads),
      headDim,
      context: meta.int("gemma3.context_length"),
      vocab: meta.rows("token_embd.weight"), // the token list may be absent or shorter
      eps: meta.float("gemma3.attention.layer_norm_rms_epsilon"),
      scale: meta.float("gemma3.attention.scale", 1 / Math.sqrt(queryWidth)),
      window: meta.int("gemma3.attention.sliding_window"),
      windowed: meta.windowed("gemma3.attention.sliding_window_pattern", layers, WINDOW_PATTERN),
      ropeDims: meta.int("gemma3.rope.dimension_count", headDim),
      ropeBase: meta.float("gemma3.rope.freq_base", 1_000_000),
      ropeBaseWindowed: meta.float("gemma3.rope.freq_base_swa", 10_000),
      ropeFactor: ropeLinearFactor(meta),
      softcap: meta.float("gemma3.final_logit_softcapping", 0), // 0: none
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
        postAttnNorm: weight(`blk.${i}.post_attention_norm.weight`, [c.dim]),
        ffnNorm: weight(`blk.${i}.ffn_norm.weight`, [c.dim]),
        gate: weight(`blk.${i}.ffn_gate.weight`, [c.hidden, c.dim]),
        up: weight(`blk.${i}.ffn_up.weight`, [c.hidden, c.dim]),
        down: weight(`blk.${i}.ffn_down.weight`, [c.dim, c.hidden]),
        postFfnNorm: weight(`blk.${i}.post_ffw_norm.weight`, [c.dim]),
      })),
      norm: weight("output_norm.weight", [c.dim]),
      head: weight("output.weight", [c.vocab, c.dim], embed), // tied in all released models
    };
  },

  forward(g, c, w) {
    const globalRope = ropeSpec("half", c.ropeDims, c.ropeBase, c.ropeFactor);
    const windowRope = ropeSpec("half", c.ropeDims, c.ropeBaseWindowed, 1);
    let x = g.embed(w.embed, { scale: Math.sqrt(c.dim) }); // [tokens, dim]

    w.layers.forEach((l, layer) => {
      const windowed = c.windowed[layer];
      const rope = windowed ? windowRope : globalRope;
      const h = g.rmsNorm(x, l.attnNorm, c.eps);
      // A gain of [headDim] on [tokens, heads · headDim] norms head by head.
      const q = g.rope(g.rmsNorm(g.linear(h, l.q), l.qNorm, c.eps), c.headDim, rope);
      const k = g.rope(g.rmsNorm(g.linear(h, l.k), l.kNorm, c.eps), c.headDim, rope);
      const v = g.linear(h, l.v);
      const spec = { layer, headDim: c.headDim, scale: c.scale, ...(windowed && { window: c.window }) };
      const attended = g.linear(g.attention(q, k, v, spec), l.out);
      x = g.add(x, g.rmsNorm(attended, l.postAttnNorm, c.eps));

      const f = g.rmsNorm(x, l.ffnNorm, c.eps);
      const fed = g.linear(g.mul(g.gelu(g.linear(f, l.gate)), g.linear(f, l.up)), l.down);
      x = g.add(x, g.rmsNorm(fed, l.postFfnNorm, c.eps));
    });

    const logits = g.linear(g.rmsNorm(g.outputRows(x), w.norm, c.eps), w.head); // [outputs, vocab]
    return c.softcap > 0 ? g.softcap(logits, c.softcap) : logits;
  },
});
