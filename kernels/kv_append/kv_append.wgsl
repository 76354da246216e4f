// Stores each row's keys and values into the page of its sequence and position (common/kv_pages.wgsl). One invocation
// per quad of k and the same quad of v.

struct Params {
  kv_heads: u32,
  head_dim: u32, // a multiple of 4
  table_at: u32,
  pages_per_slot: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> k: array<vec4f>; // [rows, kv_heads · head_dim]
@group(0) @binding(0) var<storage, read> v: array<vec4f>; // [rows, kv_heads · head_dim]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let at = group_index(group, groups) * WORKGROUP + local.x;
  let head_quads = params.head_dim / 4u;
  let row_quads = params.kv_heads * head_quads;
  let row = at / row_quads;
  if (row >= batch.rows) {
    return;
  }
  let slot = batch.row[row].slot;
  let position = row_position(row);
  let head = (at % row_quads) / head_quads;
  let quad = at % head_quads;
  kv_store(kv_quad(slot, position, KV_KEYS, head, head_quads) + quad, k[at]);
  kv_store(kv_quad(slot, position, KV_VALUES, head, head_quads) + quad, v[at]);
}
