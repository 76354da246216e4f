// Rotary position embedding of each head, with the head's RMSNorm before it where the model has one.
//   (y[a], y[b]) = (x[a] cos t − x[b] sin t, x[a] sin t + x[b] cos t),   t = position · frequency[pair]
// Pairs: half (i, i + dims / 2), adjacent (2i, 2i + 1). Elements from `dims` on pass through.
// Source: Su et al. 2021, arXiv:2104.09864, section 3.4.2.
//
// The angle is never formed here: t = 256 · coarse + fine, and the host gives cos and sin of both parts, computed in
// f64 (rope.ts). GPU sin and cos are off by 2e-4 on some adapters. A team per head. Parts: norm.wgsl or plain.wgsl.

struct Params {
  heads: u32,
  head_dim: u32,
  dims: u32,      // elements turned, even
  style: u32,     // 0 half, 1 adjacent
  gain_at: u32,   // first element of the norm's gain in `vectors`; ignored without norm
  eps: f32,
  tables_at: u32, // fine table in `tables`, elements: [256, dims / 2] (cos, sin) for position mod 256
  coarse_at: u32, // coarse table: [positions / 256, dims / 2] (cos, sin) for 256 · (position div 256)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;       // [rows, heads · head_dim]
@group(0) @binding(0) var<storage, read> vectors: array<f32>;
@group(0) @binding(0) var<storage, read> tables: array<f32>;
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // [rows, heads · head_dim]

const STYLE_ADJACENT = 1u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let item = team_item(group_index(group, groups), local.x);
  if (item >= batch.rows * params.heads) {
    return;
  }
  let lane = team_lane(local.x);
  let first = item * params.head_dim;
  let scale = head_scale(lane, first);

  let position = row_position(item / params.heads);
  let pairs = params.dims / 2u;
  let fine_at = params.tables_at + (position % 256u) * params.dims;
  let coarse_at = params.coarse_at + (position / 256u) * params.dims;
  for (var pair = lane; pair < pairs; pair += TEAM) {
    let fine = vec2f(tables[fine_at + 2u * pair], tables[fine_at + 2u * pair + 1u]);
    let coarse = vec2f(tables[coarse_at + 2u * pair], tables[coarse_at + 2u * pair + 1u]);
    let cos_t = coarse.x * fine.x - coarse.y * fine.y;
    let sin_t = coarse.y * fine.x + coarse.x * fine.y;

    let adjacent = params.style == STYLE_ADJACENT;
    let a = select(pair, 2u * pair, adjacent);
    let b = select(pair + pairs, 2u * pair + 1u, adjacent);
    let x_a = head_value(first, a, scale);
    let x_b = head_value(first, b, scale);
    y[first + a] = x_a * cos_t - x_b * sin_t;
    y[first + b] = x_a * sin_t + x_b * cos_t;
  }
  for (var i = params.dims + lane; i < params.head_dim; i += TEAM) {
    y[first + i] = head_value(first, i, scale);
  }
}
