// Test only: the weight of every token of output 0 before any threshold, into `scores`. Token 0 must be the largest.
// Joined with the sampler's own parts; compared with sampleWeights of its twin.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let id = at.x;
  if (id >= params.vocab) {
    return;
  }
  let s = read_settings(0u);
  scores[id] = weight_of_drop(drop_of_score(s, score_of(s, 0u), score_of(s, id)));
}

fn score_of(s: Settings, id: u32) -> i32 {
  return penalized(s, score_of_logit(logit_bits(s, id)), counts[s.slot * params.vocab + id]);
}
