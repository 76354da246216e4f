// What all ways to compute attention share: parameters, which keys a row sees, the shape of a score, the denominator.
// Needs batch.wgsl, slots.wgsl, tanh.wgsl.

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
@group(0) @binding(0) var<storage, read> vectors: array<f32>;
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [rows, heads · head_dim]

const LOWEST = -3.0e38; // below every score; finite, since shaders may assume that Inf does not occur
const NO_SINKS = 0xffffffffu;

// First visible key and the one after the last. Never empty: a row sees at least its own key.
fn visible_keys(row: u32) -> vec2u {
  let end = row_key_end(row);
  let next = row_position(row) + 1u;
  let windowed = params.window != 0u && next > params.window;
  return vec2u(select(0u, next - params.window, windowed), end);
}

fn shaped(product: f32) -> f32 {
  let score = product * params.scale;
  if (params.softcap == 0.0) {
    return score;
  }
  return params.softcap * exact_tanh(score / params.softcap);
}

// exp(from - to) for from ≤ to; 0 where from is LOWEST.
fn exp_of_drop(from_score: f32, to: f32) -> f32 {
  return select(exp(from_score - to), 0.0, from_score == LOWEST);
}

// What the weighted sum of values is multiplied by: 1 / (sum of weights + the sink's weight).
fn output_factor(head: u32, largest: f32, total: f32) -> f32 {
  if (params.sinks_at == NO_SINKS) {
    return 1.0 / total;
  }
  let sink = vectors[params.sinks_at + head];
  let top = max(largest, sink);
  let shrink = exp(largest - top);
  return shrink / (total * shrink + exp(sink - top));
}
