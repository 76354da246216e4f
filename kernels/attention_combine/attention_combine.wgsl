// Joins the parts of rows whose visible keys lie in several splits, in the order of the splits; other rows are done.
//   y = Σ exp(m_s − m) · sum_s / Σ exp(m_s − m) · total_s,   m = max m_s
// One invocation per quad of a head. Constants: WORKGROUP, HEAD_QUADS, SPLIT_TOKENS. Parts: attention/softmax.wgsl.

struct Params {
  heads: u32,
  window: u32,
  sinks_at: u32,
  splits: u32, // most that a row may have: the layout of `partials`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<vec4f>; // [rows, heads, splits, head_dim + 4]
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;  // [rows, heads · head_dim]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let at = group_index(group, groups) * WORKGROUP + local.x;
  let item = at / HEAD_QUADS;
  let quad = at % HEAD_QUADS;
  let row = item / params.heads;
  if (row >= batch.rows) {
    return;
  }
  let position = row_position(row);
  let first = first_visible_key(position) / SPLIT_TOKENS;
  let last = position / SPLIT_TOKENS;
  if (first == last) {
    return;
  }

  let parts = item * params.splits;
  var largest = LOWEST;
  for (var split = first; split <= last; split++) {
    largest = max(largest, partials[(parts + split) * (HEAD_QUADS + 1u) + HEAD_QUADS].x);
  }
  var sum = vec4f(0.0);
  var total = 0.0;
  for (var split = first; split <= last; split++) {
    let part = (parts + split) * (HEAD_QUADS + 1u);
    let state = partials[part + HEAD_QUADS]; // largest score, total weight
    let shrink = exp(state.x - largest);
    sum += shrink * partials[part + quad];
    total += shrink * state.y;
  }
  y[at] = sum * output_factor(item % params.heads, largest, total);
}
