// Rotary position embedding of each head, with the head's RMSNorm before it where the model has one.
//   (y[a], y[b]) = (x[a] cos t − x[b] sin t, x[a] sin t + x[b] cos t),   t = position · frequency[pair]
// Pairs and angles: common/rope.wgsl. Elements from `dims` on pass through. A team per head.
// Source: Su et al. 2021, arXiv:2104.09864, section 3.4.2. Parts: norm.wgsl or plain.wgsl.

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
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // [rows, heads · head_dim]

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
  for (var pair = lane; pair < pairs; pair += TEAM) {
    let turn = rope_angle(position, pair, params.dims, params.tables_at, params.coarse_at);
    let adjacent = params.style == STYLE_ADJACENT;
    let a = select(pair, 2u * pair, adjacent);
    let b = select(pair + pairs, 2u * pair + 1u, adjacent);
    let x_a = head_value(first, a, scale);
    let x_b = head_value(first, b, scale);
    y[first + a] = x_a * turn.x - x_b * turn.y;
    y[first + b] = x_a * turn.y + x_b * turn.x;
  }
  for (var i = params.dims + lane; i < params.head_dim; i += TEAM) {
    y[first + i] = head_value(first, i, scale);
  }
}
