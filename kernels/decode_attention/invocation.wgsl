// Attention of one new token by one invocation per row, query head and split: the formula of workgroup.wgsl without
// barriers. For software adapters; workgroup memory is but a private array that they index fast. Every query head of a
// group prepares the row's own key for itself; the first of them stores it.
// Constants: WORKGROUP (items per workgroup), TEAM (1), HEAD_QUADS, PAGE_TOKENS, SPLIT_TOKENS.
// Parts: head.wgsl, attention/key_by_key.wgsl, scores.wgsl and softmax.wgsl, those of headParts (kernels/prepare_qkv).

var<workgroup> queries: array<vec4f, WORKGROUP * HEAD_QUADS>;
var<workgroup> own_values: array<vec4f, WORKGROUP * HEAD_QUADS>;

fn query_quad(query: u32, i: u32) -> vec4f {
  return queries[query + i];
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let item = group.x * WORKGROUP + local.x;
  if (item >= batch.rows * params.heads) {
    return;
  }
  let row = item / params.heads;
  let head = item % params.heads;
  let split = group.z;
  let keys = span_of(row, split);
  if ((keys.flags & SPAN_HAS_KEYS) == 0u) {
    return;
  }
  let group_heads = params.heads / params.kv_heads;
  let kv_head = head / group_heads;
  let slot = batch.row[row].slot;

  let query_at = row * params.qkv_stride + params.q_at + head * 4u * HEAD_QUADS;
  let query_scale = head_scale(0u, query_at);
  let query = local.x * HEAD_QUADS;
  for (var i = 0u; i < head_quads(); i++) {
    queries[query + i] = prepared_quad(query_at, i, query_scale, params.q_gain_at, keys.position);
  }

  var running: Running;
  running.largest = LOWEST;
  if ((keys.flags & SPAN_OWNS_NEWEST) != 0u) {
    let stores = head % group_heads == 0u;
    let own = row * params.qkv_stride + kv_head * 4u * HEAD_QUADS;
    let key_scale = head_scale(0u, own + params.k_at);
    let key_at = kv_place(slot, keys.position, KV_KEYS, kv_head, HEAD_QUADS);
    let value_at = kv_place(slot, keys.position, KV_VALUES, kv_head, HEAD_QUADS);
    var product = 0.0;
    for (var i = 0u; i < head_quads(); i++) {
      let key = prepared_quad(own + params.k_at, i, key_scale, params.k_gain_at, keys.position);
      let group_largest = key_largest(own + params.k_at, i, key_scale, params.k_gain_at, keys.position);
      product += dot(queries[query + i], kv_kept(key, group_largest));
      if (stores) {
        kv_store(key_at, i, HEAD_QUADS, key, group_largest);
      }
    }
    for (var i = 0u; i < head_quads(); i++) {
      let value = plain_quad(own + params.v_at, i);
      let group_largest = value_largest(own + params.v_at, i);
      own_values[query + i] = kv_kept(value, group_largest);
      if (stores) {
        kv_store(value_at, i, HEAD_QUADS, value, group_largest);
      }
    }
    for (var i = 0u; i < HEAD_QUADS; i++) {
      running.sum[i] = own_values[query + i];
    }
    running.largest = shaped(product);
    running.total = 1.0;
  }

  attend_keys(&running, query, slot, kv_head, keys.first, keys.end);

  let whole = (keys.flags & SPAN_IS_WHOLE) != 0u;
  for (var i = 0u; i < HEAD_QUADS; i++) {
    store_sum(row, head, split, whole, i, running.sum[i], running.largest, running.total);
  }
}
