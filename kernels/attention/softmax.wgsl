// Which keys a row sees, and the denominator of the softmax.
// Needs batch.wgsl, slots.wgsl, and of params: window, sinks_at.

@group(0) @binding(0) var<storage, read> vectors: array<f32>;

const LOWEST = -3.0e38; // below every score; finite, since shaders may assume that Inf does not occur
const NO_SINKS = 0xffffffffu;

// First key that a row at this position sees.
fn first_visible_key(position: u32) -> u32 {
  let next = position + 1u;
  return select(0u, next - params.window, params.window != 0u && next > params.window);
}

// First visible key and the one after the last. Never empty: a row sees at least its own key.
fn visible_keys(row: u32) -> vec2u {
  return vec2u(first_visible_key(row_position(row)), row_key_end(row));
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
