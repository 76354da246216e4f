// Attention of one row and one query head by a team of lanes, over paged keys and values.
//   y = Σ p[key] · v[key],  p = softmax(score),  score = softcap(scale · q · k[key])
// Keys are taken in tiles of WORKGROUP tokens at absolute positions, with a running maximum and sum (Milakov &
// Gimelshein 2018, arXiv:1805.02867): a row's result does not depend on what else is in the batch or on where its
// chunk began. Scores: a lane per key. Values: lanes are split into SPLITS groups that take turns through the tile's
// keys, a lane per quad of the head.
// Constants: WORKGROUP, HEAD_QUADS (at most WORKGROUP), PAGE_TOKENS.
// Parts: head.wgsl, scores.wgsl, softmax.wgsl, kv_*.wgsl, team_*.wgsl.

const SPLITS = WORKGROUP / HEAD_QUADS;

var<workgroup> query: array<vec4f, HEAD_QUADS>;
var<workgroup> weights: array<f32, WORKGROUP>;
var<workgroup> sums: array<vec4f, WORKGROUP>;
var<workgroup> visible: vec2u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let item = group_index(group, groups);
  if (item >= batch.rows * params.heads) {
    return;
  }
  let lane = local.x;
  let row = item / params.heads;
  let head = item % params.heads;
  let kv_head = head / (params.heads / params.kv_heads);
  let slot = batch.row[row].slot;

  // Positions may come from storage; the barriers below need them to be uniform.
  if (lane == 0u) {
    visible = visible_keys(row);
  }
  if (lane < HEAD_QUADS) {
    query[lane] = q[item * HEAD_QUADS + lane];
  }
  let keys = workgroupUniformLoad(&visible);

  let quad = lane % HEAD_QUADS;
  let split = lane / HEAD_QUADS;
  var acc = vec4f(0.0);
  var largest = LOWEST;
  var total = 0.0;
  for (var tile = keys.x / WORKGROUP * WORKGROUP; tile < keys.y; tile += WORKGROUP) {
    let key = tile + lane;
    let seen = key >= keys.x && key < keys.y;
    var score = LOWEST;
    if (seen) {
      let at = kv_place(slot, key, KV_KEYS, kv_head, HEAD_QUADS);
      var product = 0.0;
      for (var i = 0u; i < HEAD_QUADS; i++) {
        product += dot(query[i], kv_load(at, i, HEAD_QUADS));
      }
      score = shaped(product);
    }
    let new_largest = max(largest, team_max(lane, score));
    let weight = select(0.0, exp(score - new_largest), seen);
    let shrink = exp_of_drop(largest, new_largest);
    weights[lane] = weight;
    total = total * shrink + team_sum(lane, weight); // its barriers also publish `weights`
    acc *= shrink;
    largest = new_largest;

    // Unseen keys may hold anything, even NaN: skipped, not weighted by 0.
    if (split < SPLITS) {
      let end = min(keys.y - tile, WORKGROUP);
      for (var i = split; i < end; i += SPLITS) {
        if (tile + i >= keys.x) {
          acc += weights[i] * kv_load(kv_place(slot, tile + i, KV_VALUES, kv_head, HEAD_QUADS), quad, HEAD_QUADS);
        }
      }
    }
  }

  sums[lane] = acc;
  workgroupBarrier();
  if (lane < HEAD_QUADS) {
    var sum = sums[lane];
    for (var s = 1u; s < SPLITS; s++) {
      sum += sums[s * HEAD_QUADS + lane];
    }
    y[item * HEAD_QUADS + lane] = sum * output_factor(head, largest, total);
  }
}
