// Attention of one row and one query head by one invocation, key by key from the first visible one: the formula of
// workgroup.wgsl without workgroup memory and barriers. For software adapters.
// Constants: WORKGROUP (items per workgroup), HEAD_QUADS, PAGE_TOKENS.
// Parts: head.wgsl, key_by_key.wgsl, scores.wgsl, softmax.wgsl, kv_*.wgsl.

fn query_quad(query: u32, i: u32) -> vec4f {
  return q[query + i];
}

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

  var running: Running;
  running.largest = LOWEST;
  attend_keys(&running, item * HEAD_QUADS, slot, kv_head, keys.x, keys.y);

  let factor = output_factor(head, running.largest, running.total);
  for (var i = 0u; i < HEAD_QUADS; i++) {
    y[item * HEAD_QUADS + i] = running.sum[i] * factor;
  }
}
