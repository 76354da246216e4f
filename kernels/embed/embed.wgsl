// Rows of the embedding matrix: y[m, :] = W[token of row m, :] * scale. An invocation copies 32 columns. Tokens outside
// this part of the matrix are another dispatch's. Needs batch.wgsl, slots.wgsl, grid.wgsl and a weight format's loader.

struct Params {
  cols: u32,      // a multiple of 4
  row_begin: u32, // first token of this part
  rows: u32,      // tokens in this part
  scale: f32,
  section_1: u32,
  section_2: u32,
  section_3: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [rows of the batch, cols / 4]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let groups = (params.cols + 31u) / 32u;
  let index = group_index(workgroup, workgroups) * WORKGROUP + local;
  let m = index / groups;
  let group = index % groups;
  if (m >= batch.rows) {
    return;
  }
  let row = row_token(m) - params.row_begin; // wraps past `rows` for a token before this part
  if (row >= params.rows) {
    return;
  }
  var weights = weights_32(row * groups + group, vec4u(0u, params.section_1, params.section_2, params.section_3));
  let at = m * params.cols / 4u + 8u * group;
  let present = min(8u, params.cols / 4u - 8u * group);
  for (var i = 0u; i < present; i++) {
    y[at + i] = weights[i] * params.scale;
  }
}
