// RMSNorm: divide each group of a row by its root mean square, then scale each column.
//   y[r, g, i] = x[r, g, i] / sqrt(mean(x[r, g, :]²) + eps) · gain[i]
// Source: Zhang & Sennrich 2019, arXiv:1910.07467, section 4; eps placed as in Llama.
//
// A team per group; a group is the whole row, or one head of it. `store` (store.wgsl, accumulate.wgsl) writes.

struct Params {
  width: u32,   // of a group, a multiple of 4
  groups: u32,  // per row
  gain_at: u32, // first element of the gain in `vectors`
  eps: f32,
  on_outputs: u32, // 1: rows are the step's outputs, not its tokens
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [rows, groups · width]
@group(0) @binding(0) var<storage, read> vectors: array<f32>;
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [rows, groups · width]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let item = team_item(group_index(group, groups), local.x);
  let rows = select(batch.rows, batch.outputs, params.on_outputs == 1u);
  if (item >= rows * params.groups) {
    return;
  }
  let lane = team_lane(local.x);
  let quads = params.width / 4u;
  let first = item * quads;

  var sum = 0.0;
  for (var i = lane; i < quads; i += TEAM) {
    let v = x[first + i];
    sum += dot(v, v);
  }
  let scale = inverseSqrt(team_sum(lane, sum) / f32(params.width) + params.eps);

  for (var i = lane; i < quads; i += TEAM) {
    let g = params.gain_at + 4u * i;
    let gain = vec4f(vectors[g], vectors[g + 1u], vectors[g + 2u], vectors[g + 3u]);
    store(first + i, x[first + i] * scale * gain);
  }
}
