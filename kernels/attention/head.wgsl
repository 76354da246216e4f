// Parameters and buffers of all ways to compute attention. Scores and softmax: scores.wgsl, softmax.wgsl.

struct Params {
  heads: u32,    // query heads; head h reads key head h / (heads / kv_heads)
  kv_heads: u32,
  scale: f32,    // of the products q · k
  window: u32,   // keys a row sees, itself included; 0: all
  softcap: f32,  // scores become cap · tanh(score / cap); 0: they stay
  sinks_at: u32, // first element in `vectors` of [heads] logits that join the denominator; NO_SINKS: none
  table_at: u32,
  pages_per_slot: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> q: array<vec4f>;       // [rows, heads · head_dim]
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [rows, heads · head_dim]
