// From the result of the q, k, v matrices to what attention reads: norms and turns query heads into q, norms and turns
// keys and stores them and the values into the KV pages. A team per head.
// Constants: WORKGROUP, HEAD_QUADS, PAGE_TOKENS. Parts: prepared.wgsl, norm.wgsl or plain.wgsl, kv_*.wgsl, team_*.wgsl.

struct Params {
  heads: u32,
  kv_heads: u32,
  table_at: u32,
  pages_per_slot: u32,
  qkv_stride: u32, // elements of a row of qkv
  q_at: u32,       // column of the first query head; k_at, v_at: of the first key and value head
  k_at: u32,
  v_at: u32,
  q_gain_at: u32,  // first element in `vectors` of the norm's gain; ignored without norm
  k_gain_at: u32,
  eps: f32,
  rope_dims: u32,  // elements of a head that are turned, 0: none
  rope_style: u32, // 0 half, 1 adjacent
  tables_at: u32,  // see common/rope.wgsl
  coarse_at: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> qkv: array<f32>;       // [rows, qkv_stride]
@group(0) @binding(0) var<storage, read> vectors: array<f32>;
@group(0) @binding(0) var<storage, read_write> q: array<vec4f>; // [rows, heads · head_dim]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let item = team_item(group_index(group, groups), local.x);
  let heads_of_row = params.heads + 2u * params.kv_heads;
  let row = item / heads_of_row;
  if (row >= batch.rows) {
    return;
  }
  let lane = team_lane(local.x);
  let slot = batch.row[row].slot;
  let position = row_position(row);
  let qkv_row = row * params.qkv_stride;
  let part = item % heads_of_row;

  if (part < params.heads) {
    let first = qkv_row + params.q_at + part * 4u * HEAD_QUADS;
    let scale = head_scale(lane, first);
    for (var i = lane; i < head_quads(); i += TEAM) {
      q[(row * params.heads + part) * HEAD_QUADS + i] = prepared_quad(first, i, scale, params.q_gain_at, position);
    }
  } else if (part < params.heads + params.kv_heads) {
    let head = part - params.heads;
    let first = qkv_row + params.k_at + head * 4u * HEAD_QUADS;
    let scale = head_scale(lane, first);
    let at = kv_place(slot, position, KV_KEYS, head, HEAD_QUADS);
    for (var i = lane; i < head_quads(); i += TEAM) {
      let largest = key_largest(first, i, scale, params.k_gain_at, position);
      kv_store(at, i, HEAD_QUADS, prepared_quad(first, i, scale, params.k_gain_at, position), largest);
    }
  } else {
    let head = part - params.heads - params.kv_heads;
    let first = qkv_row + params.v_at + head * 4u * HEAD_QUADS;
    let at = kv_place(slot, position, KV_VALUES, head, HEAD_QUADS);
    for (var i = lane; i < head_quads(); i += TEAM) {
      kv_store(at, i, HEAD_QUADS, plain_quad(first, i), value_largest(first, i));
    }
  }
}
