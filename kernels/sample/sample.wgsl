// One token per output that wants one: penalties, biases, temperature, top-k, top-p, min-p, one draw; or the largest.
// One workgroup per output. What the numbers mean: state.wgsl; the same in TypeScript: reference.ts.
// Parts: state.wgsl, score.wgsl, scan.wgsl, list.wgsl, select.wgsl, philox.wgsl, u64.wgsl, batch.wgsl.

const NO_ID = 0xffffffffu;

var<workgroup> shared_settings: Settings;
var<workgroup> top_score: atomic<u32>;
var<workgroup> top_key: atomic<u32>;
var<workgroup> lowest_id: atomic<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let output = group.x;
  if (output >= batch.outputs || !output_samples(output)) {
    return;
  }
  let lane = local.x;
  if (lane == 0u) {
    shared_settings = read_settings(output);
    atomicStore(&lowest_id, NO_ID);
  }
  let s = workgroupUniformLoad(&shared_settings);

  var best: Best;
  if (s.greedy && !s.counts && s.biases == 0u) {
    best = largest_logits(s, lane);
  } else {
    best = write_scores(s, lane);
  }
  let mine = largest_of_four(best.score);
  let largest = largest_of_lanes(mine);
  var id = 0u;
  if (s.greedy) {
    id = first_of_largest(s, best, largest);
  } else {
    id = random_id(s, lane, largest, mine);
  }
  if (lane == 0u) {
    write_token(s, id);
  }
}

fn largest_of_four(score: vec4i) -> i32 {
  return max(max(score.x, score.y), max(score.z, score.w));
}

fn largest_of_lanes(mine: i32) -> i32 {
  let ordered = bitcast<u32>(mine) ^ 0x80000000u;
  if (ordered > atomicLoad(&top_score)) { // most lanes need not queue
    atomicMax(&top_score, ordered);
  }
  workgroupBarrier();
  return bitcast<i32>(atomicLoad(&top_score) ^ 0x80000000u);
}

// Among the tokens of the largest score the one of the largest raw logit; among equals the lowest id.
fn first_of_largest(s: Settings, best: Best, largest: i32) -> u32 {
  let keys = select(vec4u(0u), best.key, best.score == vec4i(largest));
  let key = max(max(keys.x, keys.y), max(keys.z, keys.w));
  if (key > atomicLoad(&top_key)) {
    atomicMax(&top_key, key);
  }
  workgroupBarrier();
  let ids = select(
    vec4u(NO_ID),
    4u * best.vector - s.lead + vec4u(0u, 1u, 2u, 3u),
    keys == vec4u(atomicLoad(&top_key)),
  );
  let id = min(min(ids.x, ids.y), min(ids.z, ids.w));
  if (id != NO_ID) {
    atomicMin(&lowest_id, id);
  }
  workgroupBarrier();
  return atomicLoad(&lowest_id);
}
