// Attention of one row and one query head by one invocation, key by key from the first visible one: the formula of
// workgroup.wgsl without workgroup memory and barriers. For software adapters.
// Constants: WORKGROUP (items per workgroup), HEAD_QUADS, PAGE_TOKENS. Parts: head.wgsl, scores.wgsl, softmax.wgsl, kv_*.wgsl.

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let item = group_index(group, groups) * WORKGROUP + local.x;
  if (item >= batch.rows * params.heads) {
    return;
  }
  let row = item / params.heads;
  let head = item % params.heads;
  let kv_head = head / (params.heads / params.kv_heads);
  let slot = batch.row[row].slot;
  let keys = visible_keys(row);

  var acc: array<vec4f, HEAD_QUADS>;
  var largest = LOWEST;
  var total = 0.0;
  for (var key = keys.x; key < keys.y; key++) {
    let k_at = kv_place(slot, key, KV_KEYS, kv_head, HEAD_QUADS);
    var product = 0.0;
    for (var i = 0u; i < HEAD_QUADS; i++) {
      product += dot(q[item * HEAD_QUADS + i], kv_load(k_at, i, HEAD_QUADS));
    }
    let score = shaped(product);
    if (score > largest) {
      let shrink = exp_of_drop(largest, score);
      total *= shrink;
      for (var i = 0u; i < HEAD_QUADS; i++) {
        acc[i] *= shrink;
      }
      largest = score;
    }
    let weight = exp(score - largest);
    total += weight;
    let v_at = kv_place(slot, key, KV_VALUES, kv_head, HEAD_QUADS);
    for (var i = 0u; i < HEAD_QUADS; i++) {
      acc[i] += weight * kv_load(v_at, i, HEAD_QUADS);
    }
  }

  let factor = output_factor(head, largest, total);
  for (var i = 0u; i < HEAD_QUADS; i++) {
    y[item * HEAD_QUADS + i] = acc[i] * factor;
  }
}
