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
  var largest = vec2f(0.0); // of k and v, in the quad's group
  let group_first = quad / KV_GROUP_QUADS * KV_GROUP_QUADS;
  for (var i = group_first; i < min(group_first + KV_GROUP_QUADS, head_quads); i++) {
    largest = max(largest, vec2f(largest_of(k[at - quad + i]), largest_of(v[at - quad + i])));
  }
  kv_store(kv_place(slot, position, KV_KEYS, head, head_quads), quad, head_quads, k[at], largest.x);
  kv_store(kv_place(slot, position, KV_VALUES, head, head_quads), quad, head_quads, v[at], largest.y);
}

fn largest_of(value: vec4f) -> f32 {
  let size = abs(value);
  return max(max(size.x, size.y), max(size.z, size.w));
}
